namespace BatchGen.Dashboard.Pages.Login;

/// <summary>The login form.</summary>
/// <param name="ReturnTo">Path of the page to which a login leads.</param>
/// <param name="Problem">Why the last try failed, or null.</param>
public sealed record LoginModel(string ReturnTo, string? Problem);
