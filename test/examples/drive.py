"""Calls the example's routes as FastAPI would: ben's and ana's devices, ana's post, her message to ben, told twice, her
log-out, and a post of hers while Belfry is away."""
import asyncio, contextlib, json, os, sys
from types import SimpleNamespace

from fastapi import BackgroundTasks
import main

ana, ben = SimpleNamespace(id="ana", username="Ana"), SimpleNamespace(id="bén/1", username="Ben")


async def drive():
    said = []
    for user in (ana, ben):
        token = main.PushTokenRequest(push_token=f"ExponentPushToken[py-{user.username}]", device_type="android")
        said.append(main.register_push_token(token, user))
    post = main.Post(title="Rain", text_content="It rains", content_type="note")
    said.append(await main.create_post(post, ana))
    message = main.Message(receiver_id=ben.id, message_type="text", content="Hello")
    for _ in range(2):
        background = BackgroundTasks()
        said.append(await main.send_message(message, background, ana))
        for task in background.tasks:
            said.append(await (task() if callable(task) else task.func(*task.args, **task.kwargs)))
    said.append(main.remove_push_token(main.PushTokenRemoval(push_token="ExponentPushToken[py-Ana]"), ana))
    os.environ["BELFRY_URL"] = "http://127.0.0.1:9"
    with contextlib.redirect_stdout(sys.stderr):
        said.append(await main.create_post(post, ana))
    print(json.dumps(said))


asyncio.run(drive())
