using System.Collections;
using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Reflection;

namespace Discovery.Catalog.Programs;

/// <summary>
/// The command line that the three programs share: Go's spelling (<c>-x</c>, <c>--x</c>, <c>=</c> or a space), environment
/// variables <c>DISCOVERY_X</c> (and <c>ETCD_X</c> for the store's), flag before environment before default, one line
/// and exit code 2 for what is wrong.
/// </summary>
public static class Flags
{
    /// <summary>The variables' prefix.</summary>
    public const string Prefix = "DISCOVERY_";

    /// <summary>The store's variables, as etcd names them.</summary>
    public const string EtcdPrefix = "ETCD_";

    /// <summary>A text.</summary>
    /// <param name="name">Without dashes.</param>
    /// <param name="fallback">The default; null when there is none.</param>
    /// <param name="help">What it does, with unit and range.</param>
    /// <param name="etcd">Whether <c>ETCD_NAME</c> is read too.</param>
    public static Option<string?> Text(string name, string? fallback, string help, bool etcd = false) =>
        New(name, fallback, help, etcd, static text => text, ArgumentArity.ExactlyOne);

    /// <summary>Texts: the flag may be given several times; a variable parts them by spaces.</summary>
    public static Option<string[]> Texts(string name, string help) =>
        New(name, (string[])[], help, etcd: false, static text => text.Split(' ', StringSplitOptions.RemoveEmptyEntries), ArgumentArity.OneOrMore);

    /// <summary>On or off; alone it means on.</summary>
    public static Option<bool> Switch(string name, string help, bool etcd = false) =>
        New(name, false, help, etcd, text => text switch
        {
            "true" or "1" or "" => true,
            "false" or "0" => false,
            _ => throw new FormatException("true or false"),
        }, ArgumentArity.ZeroOrOne);

    /// <summary>A whole number within a range.</summary>
    public static Option<long> Number(string name, long fallback, long min, long max, string help, bool etcd = false) =>
        New(name, fallback, help, etcd, text =>
            long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) && number >= min && number <= max
                ? number
                : throw new FormatException($"a whole number from {min} to {max}"), ArgumentArity.ExactlyOne);

    /// <summary>A time such as <c>500ms</c>, <c>15s</c>, <c>2m</c>, <c>1h</c>; a bare number is in <paramref name="unit"/>.</summary>
    public static Option<Duration> Duration(
        string name, TimeSpan fallback, TimeSpan min, TimeSpan max, TimeSpan unit, string help, bool etcd = false) =>
        New(name, new Duration(fallback), help, etcd, text =>
            ParseDuration(text, unit) is { } time && time >= min && time <= max
                ? new Duration(time)
                : throw new FormatException($"a time from {Format(min)} to {Format(max)}, such as {Format(fallback)}"), ArgumentArity.ExactlyOne);

    /// <summary>
    /// Parses and runs. Everything wrong with the line is said on standard error, a line each, with exit code 2;
    /// <c>--help</c> and <c>--version</c> are answered.
    /// </summary>
    /// <param name="root">Commands and flags, with their actions.</param>
    /// <param name="args">What the user typed.</param>
    /// <param name="error">Standard error.</param>
    public static async Task<int> RunAsync(RootCommand root, string[] args, TextWriter error)
    {
        foreach (VersionOption version in root.Options.OfType<VersionOption>())
        {
            version.Action = new VersionLine();
        }

        ParseResult parsed = root.Parse(GoSpelling(args), new ParserConfiguration { EnablePosixBundling = false, ResponseFileTokenReplacer = null });
        var flags = parsed.CommandResult.Command.Options.Concat(root.Options.Where(static o => o.Recursive)).ToList();
        if ((parsed.Errors.Count > 0 || Swallowed(parsed).Any()) && !args.Any(static a => a is "-h" or "--help" or "-help"))
        {
            foreach (string line in Problems(parsed, flags, args).Distinct())
            {
                await error.WriteLineAsync($"{root.Name}: {line}");
            }

            return ExitCode.BadConfiguration;
        }

        foreach (string unknown in UnknownEtcdVariables(flags))
        {
            await error.WriteLineAsync($"{root.Name}: warning: {unknown} is set and no flag reads it; see {root.Name} --help");
        }

        return await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
    }

    /// <summary>The running program's version.</summary>
    public static string Version { get; } =
        Assembly.GetEntryAssembly()?.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";

    /// <summary>The time as it is typed.</summary>
    public static string Format(TimeSpan time) => time switch
    {
        { TotalHours: >= 1 } when time.Ticks % TimeSpan.TicksPerHour == 0 => $"{time.TotalHours:0}h",
        { TotalMinutes: >= 1 } when time.Ticks % TimeSpan.TicksPerMinute == 0 => $"{time.TotalMinutes:0}m",
        { TotalSeconds: >= 1 } when time.Ticks % TimeSpan.TicksPerSecond == 0 => $"{time.TotalSeconds:0}s",
        _ => $"{time.TotalMilliseconds:0}ms",
    };

    private static Option<T> New<T>(string name, T fallback, string help, bool etcd, Func<string, T> parse, ArgumentArity arity)
    {
        string upper = name.Replace('-', '_').ToUpperInvariant();
        string[] variables = etcd ? [Prefix + upper, EtcdPrefix + upper] : [Prefix + upper];
        T Parse(string source, string text, SymbolResult result)
        {
            try
            {
                return parse(text);
            }
            catch (FormatException e)
            {
                result.AddError($"{source} is \"{text}\"; it must be {e.Message}");
                return fallback;
            }
        }

        return new Option<T>($"--{name}")
        {
            Description = help,
            HelpName = fallback switch
            {
                bool => null,
                Programs.Duration => "time",
                long => "number",
                _ => "value",
            },
            Arity = arity,
            AllowMultipleArgumentsPerToken = false,
            CustomParser = result => Parse($"--{name}", TextOf(result, arity), result),
            DefaultValueFactory = result =>
            {
                foreach (string variable in variables)
                {
                    if (Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text)
                    {
                        return Parse(variable, text, result);
                    }
                }

                return fallback;
            },
        };
    }

    /// <summary>What was given last; of a flag that may be given several times all of it.</summary>
    private static string TextOf(SymbolResult result, ArgumentArity arity)
    {
        IReadOnlyList<Token> tokens = result.Tokens;
        return tokens.Count == 0 ? ""
            : arity.MaximumNumberOfValues > 1 ? string.Join(' ', tokens.Select(static token => token.Value))
            : tokens[^1].Value;
    }

    private static TimeSpan? ParseDuration(string text, TimeSpan unit)
    {
        int digits = text.TakeWhile(static c => char.IsAsciiDigit(c) || c is '.' or '-').Count();
        if (!double.TryParse(text.AsSpan(0, digits), NumberStyles.Float, CultureInfo.InvariantCulture, out double number))
        {
            return null;
        }

        TimeSpan? one = text[digits..] switch
        {
            "" => unit,
            "ms" => TimeSpan.FromMilliseconds(1),
            "s" => TimeSpan.FromSeconds(1),
            "m" => TimeSpan.FromMinutes(1),
            "h" => TimeSpan.FromHours(1),
            _ => null,
        };
        return one is null || Math.Abs(number) > 1e9 ? null : one * number;
    }

    /// <summary>Turns <c>-name</c> into <c>--name</c>; a negative number and a lone letter stay.</summary>
    private static string[] GoSpelling(string[] args) =>
        [.. args.Select(static arg => arg.Length > 2 && arg[0] == '-' && char.IsAsciiLetter(arg[1]) ? "-" + arg : arg)];

    private static IEnumerable<string> Problems(ParseResult parsed, List<Option> flags, string[] args)
    {
        string[] unknown = [.. Swallowed(parsed).Concat(parsed.UnmatchedTokens).Where(static t => t.StartsWith('-')).Select(static t => t.Split('=')[0])];
        foreach (string name in unknown)
        {
            string? near = flags.Select(static o => o.Name).Where(o => Distance(o, name) <= 3).MinBy(o => Distance(o, name));
            yield return $"unknown flag {name}{(near is null ? "" : $"; did you mean {near}?")} See --help for all flags";
        }

        // What follows an unknown flag may be its value: naming the flag is enough.
        foreach (string token in unknown.Length > 0 ? [] : parsed.UnmatchedTokens)
        {
            string? given = args.FirstOrDefault(a => a.StartsWith('-') && a.EndsWith($"={token}", StringComparison.Ordinal));
            yield return given is null
                ? $"unexpected argument \"{token}\""
                : $"--{given.Split('=')[0].TrimStart('-')} is \"{token}\"; it must be true or false";
        }

        foreach (ParseError problem in parsed.Errors.Where(e => parsed.UnmatchedTokens.All(t => !e.Message.Contains($"'{t}'", StringComparison.Ordinal))))
        {
            yield return problem.Message;
        }
    }

    /// <summary>Flags that the parser, not knowing them, took for a command's argument.</summary>
    private static IEnumerable<string> Swallowed(ParseResult parsed) => parsed.CommandResult.Children
        .OfType<ArgumentResult>()
        .SelectMany(static a => a.Tokens)
        .Select(static t => t.Value)
        .Where(static t => t.StartsWith('-'));

    private static IEnumerable<string> UnknownEtcdVariables(List<Option> flags)
    {
        // Only programs with the store's flags read etcd's variables at all.
        if (flags.All(static f => f.Name != "--listen-client-urls"))
        {
            return [];
        }

        var known = flags.Select(static f => EtcdPrefix + f.Name[2..].Replace('-', '_').ToUpperInvariant()).ToHashSet(StringComparer.Ordinal);
        return Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .Select(static v => (string)v.Key)
            .Where(v => v.StartsWith(EtcdPrefix, StringComparison.Ordinal) && !known.Contains(v))
            .Order(StringComparer.Ordinal);
    }

    /// <summary>Levenshtein's distance.</summary>
    private static int Distance(string left, string right)
    {
        int[] row = [.. Enumerable.Range(0, right.Length + 1)];
        for (int i = 1; i <= left.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= right.Length; j++)
            {
                int above = row[j];
                row[j] = left[i - 1] == right[j - 1] ? diagonal : 1 + Math.Min(diagonal, Math.Min(above, row[j - 1]));
                diagonal = above;
            }
        }

        return row[^1];
    }

    /// <summary>The library's own names the version only.</summary>
    private sealed class VersionLine : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            parseResult.InvocationConfiguration.Output.WriteLine($"{parseResult.RootCommandResult.Command.Name} {Version}");
            return ExitCode.Ok;
        }
    }
}
