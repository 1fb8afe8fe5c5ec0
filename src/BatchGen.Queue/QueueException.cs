namespace BatchGen.Queue;

/// <summary>The database cannot do what was asked; the message says why and what to do.</summary>
public class QueueException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>A transaction of somebody else has kept what a call wanted to change for longer than <see cref="LockWait.Limit"/>; the call
/// changed nothing, and the same call succeeds once that transaction has ended.</summary>
public sealed class BlockedException(string message, Exception? inner = null) : QueueException(message, inner);

/// <summary>Jobs were refused as a whole; the message names the element, the field, what was expected and the fix.</summary>
public sealed class SubmitRefusedException(string message, Exception? inner = null) : Exception(message, inner);
