"""A scripted Google: log-in page, token endpoint, Code Assist and Antigravity, over real HTTP."""
