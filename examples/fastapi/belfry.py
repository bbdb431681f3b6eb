"""Takes the place of the functions that called Expo. Needs nothing but Python."""
import asyncio, json, os, urllib.parse, urllib.request

def call(path, body, key="", user="", method="POST"):
    headers = {"Authorization": f"Bearer {os.environ['BELFRY_KEY']}", "Content-Type": "application/json"}
    headers |= {"Idempotency-Key": key} if key else {}
    headers |= {"Belfry-User": urllib.parse.quote(user)} if user else {}
    url = os.environ.get("BELFRY_URL", "http://127.0.0.1:8787") + path
    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer: return json.load(answer)

async def notify(to, title, body, data=None, key="", **more):
    options = {"sound": "default", "priority": "high", "channelId": "default"}
    message = {"to": to, "title": title, "body": body, "data": data or {}, "options": options, **more}
    return await asyncio.to_thread(call, "/api/notifications", message, key)

async def send_push_notification_to_all_users(title, body, data=None, exclude_user_id=None):
    try: return await notify("everyone", title, body, data, **{"except": [str(exclude_user_id)] if exclude_user_id else []})
    except OSError as error: print(f"Error sending push notifications: {error}")
