using System.Threading.Channels;
using Discovery.Raft;
using Discovery.Simulator.Time;

namespace Discovery.Simulator.Tests.Time;

public sealed class ContinuationsTests
{
    private readonly ContinuationQueue _queue = new();

    [Fact]
    public void What_follows_an_await_runs_when_it_is_pumped()
    {
        var process = new Continuations(_queue);
        var bell = Channel.CreateUnbounded<int>();
        var heard = new List<int>();
        process.Run(() => _ = ReadAsync(bell.Reader, heard));

        Assert.True(bell.Writer.TryWrite(1));
        Assert.Empty(heard);
        _queue.Pump();

        Assert.Equal([1], heard);
    }

    [Fact]
    public void A_paused_process_goes_on_when_it_is_resumed_and_a_dead_one_never()
    {
        var paused = new Continuations(_queue);
        var dead = new Continuations(_queue);
        var bell = Channel.CreateUnbounded<int>();
        var other = Channel.CreateUnbounded<int>();
        var heard = new List<int>();
        paused.Run(() => _ = ReadAsync(bell.Reader, heard));
        dead.Run(() => _ = ReadAsync(other.Reader, heard));

        paused.Pause();
        dead.End();
        Assert.True(bell.Writer.TryWrite(1));
        Assert.True(other.Writer.TryWrite(2));
        _queue.Pump();
        Assert.Empty(heard);

        paused.Resume();
        _queue.Pump();
        Assert.Equal([1], heard);
    }

    [Fact]
    public void What_another_thread_posts_is_refused()
    {
        var process = new Continuations(_queue);
        Exception? refused = null;

        var thread = new Thread(() => refused = Record.Exception(() => process.Post(static _ => { }, null)));
        thread.Start();
        thread.Join();

        Assert.IsType<InvariantException>(refused);
    }

    private static async Task ReadAsync(ChannelReader<int> reader, List<int> heard)
    {
        while (await reader.WaitToReadAsync())
        {
            while (reader.TryRead(out int one))
            {
                heard.Add(one);
            }
        }
    }
}
