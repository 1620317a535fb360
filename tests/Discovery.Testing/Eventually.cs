using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Discovery.Testing;

/// <summary>Waits for a condition of the real world (a process, a socket, a disk) and says what it last saw when it gives up.</summary>
public static class Eventually
{
    /// <summary>How long real processes get on a loaded machine of two cores.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Looks again every 20 ms until the condition holds.</summary>
    /// <param name="condition">True when what was waited for is there.</param>
    /// <param name="saw">What to say when it never was.</param>
    /// <param name="within">How long to wait; <see cref="Patience"/> when null.</param>
    /// <param name="what">The condition's source text.</param>
    public static async Task HoldsAsync(
        Func<Task<bool>> condition,
        Func<object?>? saw = null,
        TimeSpan? within = null,
        [CallerArgumentExpression(nameof(condition))] string what = "")
    {
        long start = Stopwatch.GetTimestamp();
        Exception? last = null;
        using var beat = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        do
        {
            try
            {
                if (await condition())
                {
                    return;
                }

                last = null;
            }
            catch (Exception e) when (e is HttpRequestException or IOException or InvalidOperationException or OperationCanceledException)
            {
                last = e;
            }

            await beat.WaitForNextTickAsync();
        }
        while (Stopwatch.GetElapsedTime(start) < (within ?? Patience));

        throw new TimeoutException(
            $"After {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s still not: {what}. Last seen: {saw?.Invoke() ?? last?.Message ?? "nothing said"}");
    }

    /// <summary>The same for a condition that needs no waiting itself.</summary>
    public static Task HoldsAsync(
        Func<bool> condition,
        Func<object?>? saw = null,
        TimeSpan? within = null,
        [CallerArgumentExpression(nameof(condition))] string what = "") =>
        HoldsAsync(() => Task.FromResult(condition()), saw, within, what);
}
