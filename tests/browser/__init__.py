"""The portal as people use it: headless Chromium against a whole stack."""
