namespace BatchGen.Queue;

/// <summary>The database cannot do what was asked; the message says why and what to do.</summary>
public sealed class QueueException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Jobs were refused as a whole; the message names the element, the field, what was expected and the fix.</summary>
public sealed class SubmitRefusedException(string message, Exception? inner = null) : Exception(message, inner);
