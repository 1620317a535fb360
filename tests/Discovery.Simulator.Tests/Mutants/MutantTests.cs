using Discovery.Raft;
using Discovery.Simulator.Mutants;
using Discovery.Store;

namespace Discovery.Simulator.Tests.Mutants;

/// <summary>That planted bugs are found is shown by <c>tests/run.sh</c>; here, that they are nowhere else, and the bookkeeping.</summary>
public sealed class MutantTests
{
    [Fact]
    public void What_is_shipped_holds_no_planted_bug()
    {
        Assert.Null(typeof(RaftNode).Assembly.GetType("Discovery.Raft.RaftMutant"));
        Assert.Null(typeof(StoreOptions).Assembly.GetType("Discovery.Store.StoreMutant"));
        Assert.NotNull(typeof(RaftNode).Assembly.GetType("Discovery.Raft.RaftLog"));
        Assert.Empty(PlantedBug.All);
    }

    [Fact]
    public void A_build_without_planted_bugs_says_how_to_make_one_with_them()
    {
        var e = Assert.Throws<FormatException>(() => PlantedBug.Find("VoteTwice"));

        Assert.Equal("--mutant is \"VoteTwice\"; this build holds no planted bugs: dotnet build tests/Discovery.Simulator -c Mutants", e.Message);
    }

    [Theory]
    [InlineData("7")]
    [InlineData("1..5,9")]
    [InlineData("3,7..8,2000")]
    public void Seeds_are_written_as_they_are_read(string text) => Assert.Equal(text, SeedText.Write(SeedText.Read(text)));

    [Theory]
    [InlineData("")]
    [InlineData("1..")]
    [InlineData("1;2")]
    public void Seeds_that_cannot_be_read_are_shown(string text) =>
        Assert.Contains($"\"{text}\"", Assert.Throws<FormatException>(() => SeedText.Read(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_report_survives_the_way_from_one_process_to_another()
    {
        var report = new HuntReport { Mutant = "VoteTwice", Tried = 6, Violated = [6, 9], Checker = "one vote a term", Text = "seed 6: …", SimulatedSeconds = 500.5 };

        HuntReport read = HuntReport.FromJson(report.ToJson());

        Assert.Equal(6, read.Found);
        Assert.Equal(report.ToJson(), read.ToJson());
    }

    [Fact]
    public void Of_two_reports_the_first_finding_counts()
    {
        var nothing = new HuntReport { Mutant = "None", Tried = 40 };
        var found = new HuntReport { Mutant = "None", Tried = 3, Violated = [43], Checker = "watch" };

        HuntReport both = nothing.And(found).And(new HuntReport { Mutant = "None", Tried = 1, Violated = [80], Checker = "leases" });

        Assert.Equal((44, 43, "watch"), (both.Tried, both.Found, both.Checker));
    }

    [Fact]
    public void A_member_that_ends_is_the_same_finding_on_each_member() =>
        Assert.Equal("a member ends by what no fault explains", Hunt.NameOf("m12 ends by what no fault explains"));

    [Fact]
    public void Known_seeds_are_six_and_name_their_check() => Assert.All(MutantFile.Read(), static known =>
    {
        Assert.Equal(6, known.Seeds.Count);
        Assert.NotEqual("", known.Checker);
    });
}
