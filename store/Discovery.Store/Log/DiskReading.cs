namespace Discovery.Store.Log;

/// <summary>Reading from a disk that has lost some of its sectors.</summary>
internal static class DiskReading
{
    /// <summary>What stands for bytes that the disk does not give back: anything but zeros, which mean "never written".</summary>
    public const byte Unreadable = 0xff;

    private const int BlockBytes = 4096;

    /// <summary>Reads from the file's start; where the disk reports an error the bytes are <see cref="Unreadable"/>.</summary>
    /// <returns>Where the last unreadable bytes end; 0 when all could be read.</returns>
    public static int ReadWhatCanBeRead(this IDiskFile file, Span<byte> into)
    {
        int unreadableEnd = 0;
        try
        {
            file.Read(0, into);
            return unreadableEnd;
        }
        catch (IOException)
        {
            // Below, block by block: one bad sector must not cost the others.
        }

        for (int at = 0; at < into.Length; at += BlockBytes)
        {
            Span<byte> block = into[at..Math.Min(at + BlockBytes, into.Length)];
            try
            {
                file.Read(at, block);
            }
            catch (IOException)
            {
                block.Fill(Unreadable);
                unreadableEnd = at + block.Length;
            }
        }

        return unreadableEnd;
    }
}
