"""The doors of identity."""

from fastapi import APIRouter

router = APIRouter()
