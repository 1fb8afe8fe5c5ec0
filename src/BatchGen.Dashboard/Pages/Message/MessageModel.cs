namespace BatchGen.Dashboard.Pages.Message;

/// <summary>A page that consists of one message.</summary>
/// <param name="Title">Heading.</param>
/// <param name="Text">What happened, in a sentence or two.</param>
public sealed record MessageModel(string Title, string Text)
{
    /// <summary>Heading of messages that refuse something.</summary>
    public const string RefusedTitle = "That does not work";
}
