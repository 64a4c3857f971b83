"""What a mitmproxy with windows shows of LLM calls: a content view, comments, marks and commands.

Only for somebody else's mitmproxy (see `script`): a lean worker has nobody who looks.
"""
