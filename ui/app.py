"""The ASGI application: the guard around Streamlit and the plain routes.

``uvicorn ui.app:app --no-server-header`` serves it; ``retorno demo`` and ``retorno serve`` do so.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from retorno.database import Database
from retorno.office import keys
from retorno.settings import load_settings
from ui import guard, light

settings = load_settings()
database = Database(settings.database)
database.create()
keys.use(keys.load(settings.key_file))
guard.check_options()

app = st.App(
    Path(__file__).resolve().parent / "main.py",
    routes=light.Light(database=database, settings=settings).routes(),
    middleware=[
        Middleware(guard.Guard, database=database, settings=settings),
        Middleware(GZipMiddleware, minimum_size=1000),
    ],
)
