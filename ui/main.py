"""Streamlit's page script: the frame around the views."""

import streamlit as st

st.set_page_config(page_title="retorno", page_icon="🧭", layout="wide")
st.title("retorno")
