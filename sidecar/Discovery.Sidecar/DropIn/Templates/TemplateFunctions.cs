using System.Collections.Frozen;

namespace Discovery.Sidecar.DropIn.Templates;

/// <summary>Every function that a template may call: Go's own and registrator's.</summary>
internal static class TemplateFunctions
{
    /// <summary>The functions by name.</summary>
    public static readonly FrozenDictionary<string, TemplateFunction> All =
        BuiltInFunctions.All.Concat(RegistratorFunctions.All).ToFrozenDictionary(static function => function.Name, StringComparer.Ordinal);

    /// <summary>Their names, for errors.</summary>
    public static readonly string Names = string.Join(", ", All.Keys.Order(StringComparer.Ordinal));
}
