namespace Discovery.Simulator.Checks;

/// <summary>A promise of the store that a run has broken, or that could not be decided.</summary>
/// <param name="Checker">Who found it: the name of a rule, such as "election safety".</param>
/// <param name="Text">What was found, what was wanted, on whom.</param>
/// <param name="Step">The step of the run (<see cref="RunPosition.Step"/>); of a history, the place of its event (<see cref="Operation.CallEvent"/>).</param>
/// <param name="Time">The run's time.</param>
internal sealed record Violation(string Checker, string Text, long Step, TimeSpan Time)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Checker}, step {Step}, {Time}: {Text}";
}

/// <summary>Ends a run at the violation: what happens after it proves nothing.</summary>
internal sealed class ViolationException(Violation violation) : Exception(violation.ToString())
{
    public Violation Violation => violation;
}
