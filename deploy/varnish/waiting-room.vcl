vcl 4.1;

import std;

# Varnish in front of the gateway, for the one document that a waiting crowd reads:
#
#   GET /api/v1/concerts/{id}/queue
#
# It is the same for everyone and its Cache-Control says how long it is good, so that any CDN can do what is written here:
# ignore cookies and query, send one request to the origin for all who wait for the same answer, and give the old answer
# while the new one is fetched. Send this path here; others that come pass through.

# The gateway. Replace both when it is elsewhere.
backend gateway {
    .host = "127.0.0.1";
    .port = "3000";
    .connect_timeout = 2s;
    # An effect may be answered after ten seconds, and a stream of seats beats every fifteen.
    .first_byte_timeout = 15s;
    .between_bytes_timeout = 30s;
    .max_connections = 12000;
    .probe = {
        # Not /readyz: one service that is away is no reason to answer nobody.
        .url = "/healthz";
        .interval = 2s;
        .timeout = 1s;
        .window = 4;
        .threshold = 2;
        .initial = 4;
    }
}

sub vcl_recv {
    if (req.url !~ "^/api/v1/concerts/[^/?]+/queue(\?.*)?$" || (req.method != "GET" && req.method != "HEAD")) {
        return (pass);
    }
    # Nobody is anybody here: what tells fans apart may not tell answers apart, and is not sent on.
    unset req.http.Cookie;
    unset req.http.Authorization;
    set req.url = regsub(req.url, "\?.*$", "");
    # While the gateway is well, an answer that ran out is given for five seconds more, to all but the one who fetches the new.
    # When it is not, or the fetch failed (vcl_synth), whatever is there is good enough.
    if (req.restarts > 0) {
        set req.grace = 1h;
    } else if (std.healthy(req.backend_hint)) {
        set req.grace = 5s;
    }
    return (hash);
}

sub vcl_hash {
    # One answer under every name that the gateway has.
    hash_data(req.url);
    return (lookup);
}

sub vcl_backend_fetch {
    if (bereq.uncacheable) {
        return (fetch);
    }
    # One answer for all, so that none waits for another's kind of it.
    unset bereq.http.Accept-Encoding;
    unset bereq.http.Accept-Language;
    return (fetch);
}

sub vcl_backend_response {
    if (bereq.uncacheable) {
        return (deliver);
    }
    unset beresp.http.Set-Cookie;
    unset beresp.http.Vary;
    if (beresp.status >= 500 || beresp.status == 429) {
        return (abandon);
    }
    if (beresp.status != 200) {
        set beresp.ttl = 5s;
        set beresp.grace = 5s;
        return (deliver);
    }
    # max-age gives the time to live. A gateway that is away for a minute does not stop those who wait: they read what was
    # true before.
    set beresp.grace = 60s;
    return (deliver);
}

sub vcl_backend_error {
    if (!bereq.uncacheable) {
        return (abandon);
    }
}

# Where a fetch that somebody waited for ends when it failed.
sub vcl_synth {
    if (resp.status == 503 && req.restarts == 0 && req.url ~ "^/api/v1/concerts/[^/?]+/queue$") {
        return (restart);
    }
    if (resp.status == 503) {
        set resp.http.Retry-After = "5";
        set resp.http.Cache-Control = "no-store";
    }
}

sub vcl_deliver {
    if (obj.hits > 0) {
        set resp.http.X-Cache = "hit";
    } else {
        set resp.http.X-Cache = "miss";
    }
    unset resp.http.Via;
    unset resp.http.X-Varnish;
}
