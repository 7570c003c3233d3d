"""Google's Code Assist and Antigravity: Gemini requests in an envelope, sent in the name of somebody who has logged in
by OAuth.

The Gemini spoke does the translation. What stands here takes its requests as they would go to the Gemini API, and gives
answers as they would come from there.
"""
