namespace Discovery.Simulator.Report;

/// <summary>A promise was broken: an error of the store, or of the simulator.</summary>
internal sealed class ViolationException(string what, Exception? inner = null) : Exception(what, inner);
