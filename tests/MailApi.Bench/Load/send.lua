-- wrk -t 1 -s send.lua URL -- DIRECTORY MESSAGES RECIPIENTS LABEL
-- Posts so many messages, each with recipients, subject and so on of its own, and then no more. DIRECTORY holds the files senders (a key and a
-- domain a line), sites (a recipient domain a line) and template (JSON with the gaps {from}, {to} and {number}, in this order).

local senders, sites, parts = {}, {}, {}
local messages, recipients, label
local asked, written, answered, refused = 0, 0, 0, 0
local hour = 3600 * 1000

function init(args)
   local directory = args[1]
   messages, recipients, label = tonumber(args[2]), tonumber(args[3]), args[4]
   for line in io.lines(directory .. "/senders") do
      local key, domain = line:match("^(%S+) (%S+)$")
      senders[#senders + 1] = { key = key, domain = domain }
   end
   for line in io.lines(directory .. "/sites") do sites[#sites + 1] = line end
   local file = io.open(directory .. "/template", "rb")
   local rest = file:read("*a")
   file:close()
   for _, gap in ipairs({ "{from}", "{to}", "{number}" }) do
      local from, to = rest:find(gap, 1, true)
      parts[#parts + 1] = rest:sub(1, from - 1)
      rest = rest:sub(to + 1)
   end
   parts[#parts + 1] = rest
end

-- Asked before each request, and milliseconds: after the last one a connection waits for ever.
function delay()
   asked = asked + 1
   if asked > messages then return hour end
   return 0
end

function request()
   written = written + 1
   local sender = senders[written % #senders + 1]
   local to = {}
   for index = 1, recipients do
      to[index] = '"' .. label .. written .. "-" .. index .. "@" .. sites[(written + index) % #sites + 1] .. '"'
   end
   local body = parts[1] .. sender.domain .. parts[2] .. table.concat(to, ",") .. parts[3] .. written .. parts[4]
   return "POST /send HTTP/1.1\r\nHost: " .. wrk.headers["Host"] .. "\r\nAuthorization: Bearer " .. sender.key
      .. "\r\nContent-Type: application/json\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
end

function response(status, headers, body)
   answered = answered + 1
   if status ~= 202 then
      refused = refused + 1
      if refused <= 3 then print(status .. " " .. body) end
   end
   if answered == messages then
      print("everything was answered, " .. refused .. " refused")
      io.stdout:flush()
   end
end
