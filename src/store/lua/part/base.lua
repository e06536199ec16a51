-- base: in front of every script. Names the keys, tells the time, reads arguments and records.
-- KEYS[1] is always {pN}:meta; every other key is made from its tag. The other parts stand between
-- this one and the scripts whose "uses:" line names them, in the order of tools/embed.
--
-- Order of work in each script: start(), read and check, write_clock(), write. Nothing that can
-- fail stands behind the first write: typed reads of the keys to be written come first.
local SCHEMA = '1'
local DAY = 86400000
local call, find, format, floor = redis.call, string.find, string.format, math.floor
local P = string.sub(KEYS[1], 1, -5)
local SHARD = tonumber(string.match(P, '%d+'))
local NOW, SLEW, SHARDS = 0, '', 1

local function refuse(code, text)
    error({err = code .. ' ' .. text})
end

local function int(n)
    return format('%.0f', n)
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
    last, slew = tonumber(last) or 0, tonumber(slew)
    if last <= ms then
        NOW, SLEW = ms, ''
    elseif not slew or slew > ms then
        NOW, SLEW = last, int(ms)
    else
        local gone = floor((ms - slew) / 2)
        NOW, SLEW = last + gone, int(gone > 0 and ms or slew)
    end
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
    call('HSET', KEYS[1], 'now', int(NOW), 'slew', SLEW)
end

local function hash(key)
    local flat, out = call('HGETALL', key), {}
    for i = 1, #flat, 2 do out[flat[i]] = flat[i + 1] end
    return out
end

-- A map as a row; skip: words that are left out; prefix goes before each name.
local function row(map, skip, prefix, into)
    local out = into or {}
    for k, v in pairs(map) do
        if not skip or not has(skip, k) then
            out[#out + 1] = (prefix or '') .. k
            out[#out + 1] = v
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
