namespace BatchGen.Dashboard.Security;

/// <summary>Roles of people and keys, which decide what they may do.</summary>
public static class Roles
{
    /// <summary>Looks at everything, changes nothing.</summary>
    public const string Viewer = "viewer";

    /// <summary>A key that submits jobs of one tenant, and sees and cancels those only.</summary>
    public const string Submitter = "submitter";

    /// <summary>Looks at everything and changes everything.</summary>
    public const string Operator = "operator";
}

/// <summary>Names of the authorization policies.</summary>
public static class Policies
{
    /// <summary>May see pages.</summary>
    public const string See = "see";

    /// <summary>May change things.</summary>
    public const string Operate = "operate";

    /// <summary>May read through the API.</summary>
    public const string ApiRead = "api-read";

    /// <summary>May submit through the API.</summary>
    public const string ApiSubmit = "api-submit";

    /// <summary>Claim that holds the tenant of a submitter's key.</summary>
    public const string TenantClaim = "tenant";
}
