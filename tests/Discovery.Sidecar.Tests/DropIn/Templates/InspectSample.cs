using System.Text.Json;
using Discovery.Sidecar.DropIn.Templates;

namespace Discovery.Sidecar.Tests.DropIn.Templates;

/// <summary>A container as Docker describes it, and templates over it.</summary>
internal static class InspectSample
{
    /// <summary>The container.</summary>
    public static readonly JsonElement Container = JsonElement.Parse("""
        {
          "Id": "4d1c7e0b9a85f3622e71c0d94b6a8f1357902bce4d6f8a0b1c2d3e4f5a6b7c8d", "Name": "/web-1", "Image": "sha256:abc",
          "Args": ["-g", "daemon off;"], "RestartCount": 3,
          "State": {"Status": "running", "Running": true, "Pid": 4242, "ExitCode": 0},
          "Config": {
            "Hostname": "4d1c7e0b9a85", "Image": "nginx:1.27", "User": "", "Cmd": null,
            "Env": ["STAGE=test", "SERVICE_8081_NAME=foo", "DATA=/srv/web", "SERVICE_9090_NAME=bar"],
            "Labels": {
              "com.example.task-id": "region:xx:task/368f-0ee4", "foo": "bar", "empty": "", "Case": "x",
              "tpl": "{{.ID}}", "html": "<a href=\"x\">'&é=\u0001\\</a>"
            },
            "ExposedPorts": {"80/tcp": {}, "443/tcp": {}}
          },
          "NetworkSettings": {
            "IPAddress": "172.17.0.2",
            "Networks": {"bridge": {"IPAddress": "172.17.0.2"}, "back": {"IPAddress": "10.0.0.2", "Aliases": ["a", "b"]}},
            "Ports": {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "32768"}], "443/tcp": null}
          },
          "HostConfig": {"NetworkMode": "bridge", "Memory": 536870912, "Binds": null, "Privileged": false, "CpuLoad": 1.5, "Unknown": null}
        }
        """);

    /// <summary>What a template writes.</summary>
    public static string Text(string template)
    {
        (string? text, string? error) = Run(template);
        Assert.Null(error);
        return text!;
    }

    /// <summary>The one line that a template ends with.</summary>
    public static string Error(string template)
    {
        (string? text, string? error) = Run(template);
        Assert.Null(text);
        Assert.DoesNotContain('\n', error!);
        return error!;
    }

    /// <summary>What a template writes, or the line that it ends with.</summary>
    public static (string? Text, string? Error) Run(string template)
    {
        (GoTemplate? parsed, string? error) = GoTemplate.Parse(template);
        return parsed is null ? (null, error) : parsed.Execute(Container);
    }
}
