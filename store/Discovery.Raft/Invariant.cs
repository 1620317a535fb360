using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Discovery.Raft;

/// <summary>
/// A belief that the algorithm rests on. Checked in every build: a process that ends is a smaller harm than one that
/// goes on from a wrong state.
/// </summary>
public static class Invariant
{
    /// <summary>Throws when the condition is false; the caller lets the process end.</summary>
    public static void Holds(
        [DoesNotReturnIf(false)] bool condition,
        [CallerArgumentExpression(nameof(condition))] string what = "")
    {
        if (!condition)
        {
            throw new InvariantException($"broken invariant: {what}");
        }
    }
}

/// <summary>A programmer's error was found at run time; the state cannot be trusted any more.</summary>
public sealed class InvariantException(string message) : Exception(message);
