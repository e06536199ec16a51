-- One script for every load: wrk ... -s wrk.lua URL -- MODE PREFIX SUFFIX FILE
--   get            the address as it is
--   ids            GET PREFIX<line of FILE>SUFFIX, a line at random
--   post           POST PREFIX<line of FILE>SUFFIX, each line once, then this thread stops; a line
--                  may hold a second word, the form's token
-- Threads take turns in the file. The result is one JSON line.
local threads = {}
ran_out = 0

function setup(thread)
    thread:set("number", #threads)
    thread:set("stride", tonumber(os.getenv("BENCH_THREADS")) or 2)
    threads[#threads + 1] = thread
end

local FORM = "email=ann%40example.com&company=Acme+Incorporated&region=eu-central-1" ..
    "&note=" .. string.rep("x", 100)
local lines, n, mode, prefix, suffix, fixed = {}, 0, "get", "", "", nil

function init(args)
    mode, prefix, suffix = args[1] or "get", args[2] or "", args[3] or ""
    if mode == "get" then
        fixed = wrk.format()
        return
    end
    head = " HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port .. "\r\nContent-Type: " ..
        "application/x-www-form-urlencoded\r\nContent-Length: "
    local i = 0
    for line in io.lines(args[4]) do
        if i % stride == number then
            local id, token = line:match("^(%S+) ?(%S*)$")
            local path = prefix .. id .. suffix
            local body = token ~= "" and "csrf=" .. token .. "&" .. FORM or FORM
            lines[#lines + 1] = mode == "ids" and wrk.format("GET", path) or
                path .. head .. #body .. "\r\n\r\n" .. body
        end
        i = i + 1
    end
    math.randomseed(number + 1)
end

function request()
    if fixed then return fixed end
    if mode == "ids" then return lines[math.random(#lines)] end
    n = n + 1
    if n > #lines then
        ran_out = 1
        wrk.thread:stop()
        n = #lines
    end
    return "POST " .. lines[n]
end

function done(summary, latency, requests)
    local e = summary.errors
    local out = 0
    for _, thread in ipairs(threads) do out = out + (thread:get("ran_out") or 0) end
    print(string.format('BENCH {"requests":%d,"seconds":%.6f,"p50_ms":%.3f,"p99_ms":%.3f,' ..
        '"max_ms":%.3f,"errors":%d,"ran_out":%d}', summary.requests, summary.duration / 1e6,
        latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000,
        e.connect + e.read + e.write + e.status + e.timeout, out))
end
