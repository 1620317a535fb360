using System.CommandLine;

namespace Discovery.Catalog.Programs;

/// <summary><c>--store</c> and its certificates: the same flags in every program.</summary>
/// <param name="fallback">The default of <c>--store</c>.</param>
/// <param name="allowsEmbedded">Whether <c>embedded</c> means something here.</param>
public sealed class CatalogFlags(string fallback, bool allowsEmbedded = false)
{
    private readonly Option<string?> _store = Flags.Text("store", fallback, allowsEmbedded
        ? "where the catalog is: embedded (inside this process), etcd://[user:password@]host:port[,host:port…], or etcds://… for TLS"
        : "where the catalog is: etcd://[user:password@]host:port[,host:port…], or etcds://… for TLS");

    private readonly Option<string?> _ca = Flags.Text("store-ca", null, "PEM file with the authorities that the store's certificate is checked against");
    private readonly Option<string?> _certificate = Flags.Text("store-cert", null, "PEM file with the certificate to show to the store");
    private readonly Option<string?> _key = Flags.Text("store-key", null, "PEM file with that certificate's key");

    /// <summary>The flags, for a command.</summary>
    public IEnumerable<Option> All => [_store, _ca, _certificate, _key];

    /// <summary>Where the catalog is; null, and a line among the problems, when that is not said well.</summary>
    public StoreAddress? Read(ParseResult parsed, List<string> problems)
    {
        try
        {
            var address = StoreAddress.Parse(
                parsed.GetValue(_store)!, parsed.GetValue(_ca), parsed.GetValue(_certificate), parsed.GetValue(_key));
            if (!address.IsEmbedded || allowsEmbedded)
            {
                return address;
            }

            problems.Add($"--store is \"embedded\"; this program holds no store: name the one inside the sidecar, such as {fallback}");
        }
        catch (FormatException e)
        {
            problems.Add(e.Message);
        }

        return null;
    }
}
