using BatchGen.Core.Texts;
using BatchGen.Dashboard.Requests;
using Microsoft.AspNetCore.Http;

namespace BatchGen.Dashboard.Api;

/// <summary>Answers of the HTTP API that refuse something, as <c>application/problem+json</c>.</summary>
internal static class Problem
{
    /// <summary>An answer; what it repeats of the request is shortened.</summary>
    /// <param name="detail">What is wrong, what was expected, and what to do.</param>
    /// <param name="statusCode">HTTP status.</param>
    /// <param name="title">The kind of problem in a few words; null takes the name of the status.</param>
    /// <param name="extensions">More fields of the answer.</param>
    public static IResult Of(
        string? detail, int statusCode, string? title = null, IDictionary<string, object?>? extensions = null) =>
        Results.Problem(
            detail: detail is null ? null : ShortText.Of(detail), statusCode: statusCode, title: title, extensions: extensions);
}
