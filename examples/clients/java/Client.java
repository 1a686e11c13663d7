// The round trip with Amtsbote over HTTP, with nothing but the JDK (17 or newer).
//
//   export AMTSBOTE_URL=http://127.0.0.1:8080 AMTSBOTE_TOKEN=...
//   java Client.java send ../daten.json
//   java Client.java receive        # with the receiver's AMTSBOTE_TOKEN and AMTSBOTE_APP
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;
import java.util.regex.Pattern;

public class Client {
    static final HttpClient http = HttpClient.newHttpClient();
    // The JDK has no JSON parser; use one in your application.
    static final Pattern TOKEN = Pattern.compile("\"token\":\"([^\"]+)\"");

    public static void main(String[] args) throws Exception {
        if (args[0].equals("send")) {
            send(Path.of(args[1]));
        } else {
            receive("/mailboxes/" + System.getenv("AMTSBOTE_APP"));
        }
    }

    static void send(Path file) throws Exception {
        var id = UUID.randomUUID().toString();
        // binary mode: attributes as headers, the body is the data
        post("/events", BodyPublishers.ofFile(file),
                "ce-specversion", "1.0",
                "ce-id", id,
                "ce-source", "urn:de:dvdv:ags:00000001",
                "ce-type", "de.meldewesen.wohnung-angemeldet.v1",
                "ce-time", Instant.now().toString());
        System.out.println("sent " + id); // 202: stored and synced to disk
    }

    static void receive(String mailbox) throws Exception {
        var answer = post(mailbox + "/lease", BodyPublishers.ofString("""
                {"max": 1, "wait": 20, "lease": 60}"""));
        var token = TOKEN.matcher(answer);
        if (!token.find()) {
            throw new IOException("nothing came");
        }
        System.out.println("received " + answer); // your work
        var settled = post(mailbox + "/settle", BodyPublishers.ofString("""
                [{"token": "%s", "outcome": "done"}]""".formatted(token.group(1))));
        if (!settled.contains("\"result\":\"done\"")) {
            throw new IOException("it comes again: " + settled);
        }
    }

    static String post(String path, BodyPublisher body, String... headers) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(System.getenv("AMTSBOTE_URL") + path))
                .header("Authorization", "Bearer " + System.getenv("AMTSBOTE_TOKEN"))
                .header("Content-Type", "application/json")
                .timeout(Duration.ofSeconds(60))
                .POST(body);
        if (headers.length > 0) {
            request.headers(headers);
        }
        var answer = http.send(request.build(), BodyHandlers.ofString());
        if (answer.statusCode() >= 400) { // application/problem+json: what is wrong, whose move it is
            throw new IOException(path + ": " + answer.statusCode() + " " + answer.body());
        }
        return answer.body();
    }
}
