// UNVERIFIED: the only client here that no test runs; written after the interface, never started.
//
// The round trip with Amtsbote over HTTP, with nothing but .NET 8 or newer.
//
//   dotnet new console --output client && cp Client.cs client/Program.cs && cd client
//   export AMTSBOTE_URL=http://127.0.0.1:8080 AMTSBOTE_TOKEN=...
//   dotnet run -- send ../../daten.json
//   dotnet run -- receive        # with the receiver's AMTSBOTE_TOKEN and AMTSBOTE_APP
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

var http = new HttpClient { BaseAddress = new Uri(Environment.GetEnvironmentVariable("AMTSBOTE_URL")!) };
http.DefaultRequestHeaders.Authorization =
    new AuthenticationHeaderValue("Bearer", Environment.GetEnvironmentVariable("AMTSBOTE_TOKEN"));

if (args is ["send", var file])
    await Send(file);
else
    await Receive("/mailboxes/" + Environment.GetEnvironmentVariable("AMTSBOTE_APP"));

async Task Send(string file)
{
    // structured mode: the whole event is the body
    var ev = new
    {
        specversion = "1.0",
        id = Guid.NewGuid().ToString(),
        source = "urn:de:dvdv:ags:00000001",
        type = "de.meldewesen.wohnung-angemeldet.v1",
        time = DateTime.UtcNow,
        data = JsonDocument.Parse(await File.ReadAllTextAsync(file)).RootElement,
    };
    var type = new MediaTypeHeaderValue("application/cloudevents+json", "utf-8");
    await Done(await http.PostAsync("/events", JsonContent.Create(ev, type)));
    Console.WriteLine($"sent {ev.id}"); // 202: stored and synced to disk
}

async Task Receive(string mailbox)
{
    var answer = await Done(await http.PostAsJsonAsync(mailbox + "/lease", new { max = 1, wait = 20, lease = 60 }));
    foreach (var leased in JsonDocument.Parse(answer).RootElement.GetProperty("events").EnumerateArray())
    {
        Console.WriteLine($"received {leased}"); // your work
        var settle = new[] { new { token = leased.GetProperty("token").GetString(), outcome = "done" } };
        var settled = JsonDocument.Parse(await Done(await http.PostAsJsonAsync(mailbox + "/settle", settle)));
        if (settled.RootElement[0].GetProperty("result").GetString() != "done")
            throw new Exception("it comes again: " + settled.RootElement);
    }
}

static async Task<string> Done(HttpResponseMessage answer)
{
    var body = await answer.Content.ReadAsStringAsync();
    if (!answer.IsSuccessStatusCode) // application/problem+json: what is wrong, whose move it is
        throw new Exception($"{(int)answer.StatusCode} {body}");
    return body;
}
