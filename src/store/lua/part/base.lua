-- base: in front of every script. Names the keys, tells the time, reads arguments and records.
-- KEYS[1] is always {pN}:meta; every other key is made from its tag. The other parts stand between
-- this one and the scripts whose "uses:" line names them, in the order of tools/embed.
--
-- Order of work in each script: start(), read and check, write_clock(), write. Nothing that can
-- fail stands behind the first write: typed reads of the keys to be written come first. Tasks are
-- looked at (look() in part queue) as the last check and added (add_tasks()) as the first write.
local SCHEMA = '1'
local DAY = 86400000
local call, find, format, floor = redis.call, string.find, string.format, math.floor
local P = string.sub(KEYS[1], 1, -5)
local SHARD = tonumber(string.match(P, '%d+'))
local NOW, STAMP, SLEW, SHARDS = 0, '0', '', 1 -- STAMP: NOW as it is written
local slew_was

local function refuse(code, text)
    error({err = code .. ' ' .. text})
end

-- A whole number as text. In two halves: '%d' is a long, which may have 32 bits, and '%.0f' costs
-- twice as much.
local function int(n)
    if n < 1000000 then return format('%d', n) end
    return format('%d%06d', floor(n / 1000000), n % 1000000)
end

local function has(list, word)
    return find(' ' .. list .. ' ', ' ' .. word .. ' ', 1, true) ~= nil
end

-- Argument i as a whole number, or a refusal.
local function num(i)
    local v = ARGV[i]
    if not v or not find(v, '^%d+$') or #v > 15 then refuse('LMINVAL', 'argument ' .. i) end
    return tonumber(v)
end

local function arg(i)
    local v = ARGV[i]
    if not v or v == '' then refuse('LMINVAL', 'argument ' .. i) end
    return v
end

-- Redis time that never goes back. After the server's clock was set back the shard's time runs at
-- half speed until the clock has caught up: leases and delays neither freeze nor jump.
local function set_clock(last, slew)
    local t = call('TIME')
    local ms = t[1] * 1000 + floor(t[2] / 1000)
    last, slew, slew_was = tonumber(last) or 0, tonumber(slew), slew or ''
    if last <= ms then
        NOW, SLEW = ms, ''
    elseif not slew or slew > ms then
        NOW, SLEW = last, int(ms)
    else
        local gone = floor((ms - slew) / 2)
        NOW, SLEW = last + gone, int(gone > 0 and ms or slew)
    end
    STAMP = int(NOW)
end

local function start()
    local m = call('HMGET', KEYS[1], 'schema', 'shards', 'now', 'slew')
    if m[1] ~= SCHEMA then
        refuse('LMINIT', m[1] and ('schema is ' .. m[1]) or 'the store is not initialised')
    end
    if #ARGV > 4000 then refuse('LMINVAL', 'too many arguments') end
    SHARDS = tonumber(m[2])
    set_clock(m[3], m[4])
end

-- Before the first write of a script; more often does no harm.
local clock_written = false
local function write_clock()
    if clock_written then return end
    clock_written = true
    if SLEW == slew_was then
        call('HSET', KEYS[1], 'now', STAMP)
    else
        call('HSET', KEYS[1], 'now', STAMP, 'slew', SLEW)
    end
end

local function hash(key)
    local flat, out = call('HGETALL', key), {}
    for i = 1, #flat, 2 do out[flat[i]] = flat[i + 1] end
    return out
end

local function set_of(list)
    local set = {}
    for word in string.gmatch(list, '%S+') do set[word] = true end
    return set
end

-- A map as a row; skip: words that are left out; prefix goes before each name.
local function row(map, skip, prefix, into)
    local out, left, n = into or {}, set_of(skip or ''), into and #into or 0
    for k, v in pairs(map) do
        if not left[k] then
            out[n + 1], out[n + 2] = prefix and prefix .. k or k, v
            n = n + 2
        end
    end
    return out
end

local function shard_of(id)
    return tonumber(string.match(id, '^[ot](%d+)%-'))
end

-- Follows a renewed purchase to the order it belongs to; may end in another shard.
local function canon(id)
    for _ = 1, 8 do
        local to = call('GET', P .. 'alias:' .. id)
        if not to then return id end
        id = to
        if shard_of(id) ~= SHARD then return id end
    end
    return id
end
