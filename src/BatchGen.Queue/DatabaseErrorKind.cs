namespace BatchGen.Queue;

/// <summary>What an error of the database means to whoever made the call; see <see cref="TransientRetry.KindOf"/>.</summary>
public enum DatabaseErrorKind
{
    /// <summary>The server cannot take the call now: it is away, full, busy, or takes reads only. The same call succeeds later.</summary>
    Passing,

    /// <summary>The server does not let this login in, or not do or see this. Once a person has mended that, the same call
    /// succeeds.</summary>
    Denied,

    /// <summary>The batch belongs to another worker by now.</summary>
    LeaseLost,

    /// <summary>The request breaks a rule of the queue; the message says which. Repeating it cannot help.</summary>
    Refused,

    /// <summary>The program asked for something that cannot be.</summary>
    Fault,
}
