namespace Discovery.Dashboard.Web;

/// <summary>For container engines and balancers.</summary>
internal static class HealthEndpoints
{
    /// <summary>
    /// <c>/healthz</c>: the program runs. <c>/readyz</c>: it has a catalog to show; a store that went away afterwards
    /// does not change that, since the last catalog is still shown.
    /// </summary>
    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/healthz", static () => Results.Text("ok\n"));
        routes.MapGet("/readyz", static (CatalogFeed feed) => feed.Newest switch
        {
            { HasCatalog: false } state => Results.Text(
                $"no catalog yet: {state.Catalog.Problem ?? "the store was not reached so far"}\n", statusCode: StatusCodes.Status503ServiceUnavailable),
            { IsStale: true } state => Results.Text($"ok, stale: {state.Catalog.Problem}\n"),
            _ => Results.Text("ok\n"),
        });
    }
}
