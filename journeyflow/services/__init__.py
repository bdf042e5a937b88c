"""Other systems' HTTP interfaces, answered by an engine: each service is a function from a request to a reply.

A service reads no clock and opens no socket: the instant is an argument, and a transport that hands it requests is
built around it. Services use the public interface of the engine alone.
"""
