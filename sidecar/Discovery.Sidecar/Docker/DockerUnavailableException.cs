namespace Discovery.Sidecar.Docker;

/// <summary>
/// The engine cannot be asked: its socket is missing or refuses, its stream ended, or its answer makes no sense. It says
/// nothing about containers; what was known of them stays.
/// </summary>
internal sealed class DockerUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
