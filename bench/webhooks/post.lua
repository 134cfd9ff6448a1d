-- wrk: post one signed event after another from the file in EVENTS (a line each: signature, TAB, body).
local lines = io.lines(os.getenv("EVENTS"))
local pause = tonumber(os.getenv("PAUSE_MS") or "0")

function request()
  local line = lines()
  if line == nil then
    lines = io.lines(os.getenv("EVENTS"))
    line = lines()
    print("REPEATED")
  end
  local tab = string.find(line, "\t", 1, true)
  return wrk.format("POST", nil, {
    ["Content-Type"] = "application/json; charset=utf-8",
    ["Stripe-Signature"] = string.sub(line, 1, tab - 1),
  }, string.sub(line, tab + 1))
end

function delay()
  return pause
end
