"""The documents' routes with Belfry behind them. What was theirs, the database and the sign-in, stays as it was."""
from typing import Literal

from fastapi import APIRouter, BackgroundTasks, Depends
from pydantic import BaseModel

from belfry import call, notify, send_push_notification_to_all_users
from theirs import get_current_user, save_message, save_post

router = APIRouter()


class PushTokenRequest(BaseModel):
    push_token: str
    device_type: str


class PushTokenRemoval(BaseModel):
    push_token: str


class Post(BaseModel):
    title: str
    text_content: str
    content_type: str


class Message(BaseModel):
    receiver_id: str
    message_type: Literal["text", "zoom_link", "form_link", "status_update"]
    content: str


@router.post("/api/users/push-token")
def register_push_token(request: PushTokenRequest, current_user=Depends(get_current_user)):
    body = {"push_token": request.push_token, "device_type": request.device_type}
    return call("/api/users/push-token", body, user=str(current_user.id))


@router.delete("/api/users/push-token")
def remove_push_token(request: PushTokenRemoval, current_user=Depends(get_current_user)):
    body = {"push_token": request.push_token}
    return call("/api/users/push-token", body, user=str(current_user.id), method="DELETE")


@router.post("/api/posts/")
async def create_post(post: Post, current_user=Depends(get_current_user)):
    new_post = save_post(current_user, post)
    await send_push_notification_to_all_users(
        title=f"New Reflection from {current_user.username}",
        body=post.title,
        data={"post_id": str(new_post.id), "screen": "post_detail"},
        exclude_user_id=current_user.id,
    )
    return {"success": True, "post": {"id": new_post.id}}


TITLES = {
    "text": "💬 New Message",
    "zoom_link": "🎥 Interview Scheduled!",
    "form_link": "📝 Test Assigned!",
    "status_update": "📋 Status Update",
}


@router.post("/message/send-message")
async def send_message(message: Message, background: BackgroundTasks, current_user=Depends(get_current_user)):
    saved = save_message(current_user, message)
    background.add_task(
        notify,
        {"users": [message.receiver_id]},
        TITLES[message.message_type],
        f"{current_user.username}: {message.content}"[:140],
        {
            "message_id": str(saved.id),
            "message_type": message.message_type,
            "sender_id": str(current_user.id),
            "screen": "messages",
        },
        key=f"message-{saved.id}",
    )
    return {"success": True, "message": {"id": saved.id}}
