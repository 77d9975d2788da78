-- The public status page while its own process is down: the files that the plane wrote last, read at each
-- request (HAProxy itself reads files only when it starts). It knows one folder and the names of its files.
local folder = os.getenv("HRX_STATUS_FILES")
-- The process says after the same time that a page is old (hrx/ops/status/serving.py).
local SILENT_AFTER_S = 120

local types = {
    html = "text/html; charset=utf-8",
    json = "application/json",
    css = "text/css; charset=utf-8",
    js = "text/javascript; charset=utf-8",
    svg = "image/svg+xml",
    rss = "application/rss+xml; charset=utf-8",
    atom = "application/atom+xml; charset=utf-8",
    ics = "text/calendar; charset=utf-8",
}

local function read(name)
    local file = io.open(folder .. "/" .. name, "rb")
    if not file then return nil end
    local body = file:read("a")
    file:close()
    return body
end

local function is_english(headers)
    local wanted = headers["accept-language"] and headers["accept-language"][0] or ""
    return wanted:lower():match("^%s*en") ~= nil
end

-- index.en.html, status.json …: nothing that leads elsewhere fits.
local function kind_of(name)
    return name:match("^%l+%.(%l+)$") or name:match("^%l+%.ja%.(%l+)$") or name:match("^%l+%.en%.(%l+)$")
end

-- The page's own words about its age, in minutes; its foot names the moment.
local function say_silence(english)
    local year, month, day, hour, minute, second =
        (read("status.json") or ""):match('"written_at": "(%d+)-(%d+)-(%d+)T(%d+):(%d+):(%d+)')
    if not year then return "" end
    local written = os.time({year = year, month = month, day = day, hour = hour, min = minute, sec = second, isdst = false})
    -- Both in UTC as if it were local time: only the difference counts.
    local age = os.difftime(os.time(os.date("!*t")), written)
    if age <= SILENT_AFTER_S then return "" end
    local minutes = math.floor(age / 60)
    local said = english and ("This page was last updated " .. minutes .. " min ago. It may no longer be true.")
        or ("この表示は " .. minutes .. " 分前のものです。今の状態と違う可能性があります。")
    return '<p class="silence" role="alert">' .. said .. "</p>"
end

local function answer(applet, status, media_type, body)
    applet:set_status(status)
    applet:add_header("Content-Type", media_type)
    applet:add_header("Content-Length", tostring(#body))
    applet:add_header("Cache-Control", status == 200 and "public, max-age=10, stale-if-error=86400" or "no-store")
    applet:add_header("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
    applet:start_response()
    if applet.method ~= "HEAD" then applet:send(body) end
end

core.register_service("status_files", "http", function(applet)
    local english = is_english(applet.headers)
    local name = applet.path:match("^/status/(.*)$") or ""
    if applet.method ~= "GET" and applet.method ~= "HEAD" then
        local said = english and "Not available now. Please try again later." or "今は受け付けられません。しばらくしてお試しください。"
        return answer(applet, 503, "text/plain; charset=utf-8", said)
    end
    if name == "" then name = english and "index.en.html" or "index.ja.html" end
    if name == "ja" or name == "en" then name = "index." .. name .. ".html" end
    local kind = kind_of(name)
    local body = kind and types[kind] and read(name)
    if not body then
        local is_front = name:match("^index%.") ~= nil
        local said = english and (is_front and "No status has been published yet." or "There is no such page.")
            or (is_front and "稼働状況はまだ公開されていません。" or "このページはありません。")
        return answer(applet, is_front and 503 or 404, "text/plain; charset=utf-8", said)
    end
    if kind == "html" then
        body = body:gsub("<!%-%-silence%-%->", (say_silence(name:match("%.en%.") ~= nil):gsub("%%", "%%%%")))
    end
    answer(applet, 200, types[kind], body)
end)
