using System.Globalization;
using System.Text;
using Discovery.Catalog;
using Discovery.Sidecar.Docker;

namespace Discovery.Sidecar.Registration;

/// <summary>What the service behind a port is called. Pure.</summary>
internal static class ContainerNames
{
    /// <summary>A name, and the label or variable that gave it; null when nobody did and it was derived.</summary>
    internal readonly record struct ServiceName(string Name, (string Label, string Value)? Given)
    {
        /// <summary>Why the name cannot be used; null when it can.</summary>
        public string? Problem => InstanceRules.IsServiceName(Name)
            ? null
            : $"the service would be called \"{Name}\"; a name must be {InstanceRules.ServiceNames}";
    }

    /// <summary>
    /// <c>SERVICE_PORT_NAME</c> as it is; else <c>SERVICE_NAME</c>, the compose service or the image's name, with
    /// <c>-port</c> when the container has several, except for the port that <c>discovery.port</c> names.
    /// </summary>
    public static ServiceName Of(Container container, ContainerLabels labels, int port, bool withPort)
    {
        if (labels.PortName(port) is { } own)
        {
            return new(own.Value, own);
        }

        string suffix = withPort ? string.Create(CultureInfo.InvariantCulture, $"-{port}") : "";
        if (labels.Name is { } given)
        {
            return new(given.Value + suffix, given);
        }

        string derived = labels.Labels.GetValueOrDefault("com.docker.compose.service") is { Length: > 0 } service
            ? Clean(service)
            : Clean(ImageName(container.Config?.Image) ?? ContainerName(container));
        return new(derived + suffix, null);
    }

    /// <summary>The container's name without the slash that Docker puts before it.</summary>
    public static string ContainerName(Container container) => (container.Name ?? container.Id).TrimStart('/');

    /// <summary><c>registry:5000/shop/web:7@sha256:…</c> → <c>web</c>; null for a bare id, which says nothing.</summary>
    private static string? ImageName(string? image)
    {
        string name = (image ?? "").Split('@')[0];
        if (name.StartsWith("sha256:", StringComparison.Ordinal))
        {
            return null;
        }

        name = name[(name.LastIndexOf('/') + 1)..].Split(':')[0];
        bool isId = name.Length is 12 or 64 && name.All(char.IsAsciiHexDigitLower) && name.Any(char.IsAsciiDigit);
        return name.Length == 0 || isId ? null : name;
    }

    /// <summary>A name that nobody chose for us is made to fit instead of being refused.</summary>
    private static string Clean(string name)
    {
        var clean = new StringBuilder();
        foreach (char letter in name.ToLowerInvariant())
        {
            clean.Append(char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) || letter is '.' or '_' or '-' ? letter : '-');
        }

        // Room for the longest suffix, "-65535".
        return clean.ToString(0, Math.Min(clean.Length, 57));
    }
}
