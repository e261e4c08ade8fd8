"""Simulated meetings: single speakers' clips, arranged as people talk in real meetings."""

from fastdiar.plugins.datasets.conversation.dataset import Conversation, ConversationConfig, Kind, Meeting

__all__ = ["Conversation", "ConversationConfig", "Kind", "Meeting"]
