using BatchGen.Dashboard.Security;

namespace BatchGen.UnitTests.Dashboard;

public class SecurityTests
{
    [Fact]
    public void A_password_matches_its_hash_only()
    {
        var hash = PasswordHash.Make("correct horse");
        Assert.True(PasswordHash.Matches("correct horse", hash));
        Assert.False(PasswordHash.Matches("Correct horse", hash));
        Assert.False(PasswordHash.Matches("", hash));
        Assert.False(PasswordHash.Matches("correct horse", null));
        Assert.False(PasswordHash.Matches("there is no such account", null));
        Assert.NotEqual(hash, PasswordHash.Make("correct horse"));
    }

    [Fact]
    public void API_keys_are_long_random_and_recognisable()
    {
        var key = ApiKey.Make();
        Assert.Matches("^bgk_[0-9a-f]{64}$", key);
        Assert.NotEqual(key, ApiKey.Make());
        Assert.Equal(32, ApiKey.Hash(key).Length);
    }

    [Theory]
    [InlineData("localhost", true)]
    [InlineData("127.0.0.1", true)]
    [InlineData("127.8.8.8", true)]
    [InlineData("[::1]", true)]
    [InlineData("0.0.0.0", false)]
    [InlineData("192.168.1.5", false)]
    [InlineData("localhost.evil.example", false)]
    public void Only_loopback_names_and_addresses_count_as_this_machine(string host, bool expected) =>
        Assert.Equal(expected, SecurityHeaders.IsThisMachine(host));
}
