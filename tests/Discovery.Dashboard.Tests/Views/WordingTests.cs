using Discovery.Dashboard.Views;

namespace Discovery.Dashboard.Tests.Views;

public sealed class WordingTests
{
    [Theory]
    [InlineData(-30, "now")]
    [InlineData(1, "now")]
    [InlineData(42, "42 s ago")]
    [InlineData(60, "1 min ago")]
    [InlineData(3599, "59 min ago")]
    [InlineData(3600, "1 h ago")]
    [InlineData(47 * 3600, "47 h ago")]
    [InlineData(48 * 3600, "2 d ago")]
    public void Ages_have_one_unit(int seconds, string text) =>
        Assert.Equal(text, Wording.Ago(Sample.Noon.AddSeconds(-seconds), Sample.Noon));

    [Theory]
    [InlineData(1023, "1023 B")]
    [InlineData(1536, "1.5 KiB")]
    [InlineData(20 * 1024 * 1024, "20.0 MiB")]
    public void Bytes_are_in_powers_of_1024(long count, string text) => Assert.Equal(text, Wording.Bytes(count));
}
