namespace Discovery.Simulator.Disk;

/// <summary>The process is killed, or its machine loses power, in the middle of what it does. Nobody in it catches this.</summary>
internal sealed class SimulatedCrashException(string where) : Exception($"killed at {where}");
