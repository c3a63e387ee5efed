"""A client of python3-socketio as its users write it: handlers with one argument. Says in JSON lines what it sees.

It is told what to do in JSON lines: {"call": [name, data]} asks and waits for the answer, {"leave": true} ends it.
"""
import json
import sys
import threading

import socketio

options = json.loads(sys.argv[1])
client = socketio.Client(reconnection=False)
namespace = options['namespace']
printing = threading.Lock()


def say(what):
    with printing:
        print(json.dumps(what, default=lambda value: {'bytes': list(value)}), flush=True)


@client.on('connect', namespace=namespace)
def on_connect():
    say({'connected': client.get_sid(namespace), 'transport': client.transport()})


@client.on('connect_error', namespace=namespace)
def on_connect_error(data):
    say({'refused': data})


@client.on('disconnect', namespace=namespace)
def on_disconnect():
    say({'disconnected': True})


@client.on('post:created', namespace=namespace)
def on_created(data):
    say({'event': 'post:created', 'data': data})


@client.on('post:drawn', namespace=namespace)
def on_drawn(data):
    say({'event': 'post:drawn', 'data': data})


@client.on('session:started', namespace=namespace)
def on_started(data):
    say({'event': 'session:started', 'data': data})


@client.on('post:ask', namespace=namespace)
def on_ask(data):
    return {'heard': data['n']}


try:
    client.connect(options['url'], auth=options['auth'], namespaces=[namespace], transports=options['transports'])
except socketio.exceptions.ConnectionError as error:
    say({'failed': str(error)})
    sys.exit(1)

for line in sys.stdin:
    order = json.loads(line)
    if 'call' in order:
        name, data = order['call']
        say({'answer': client.call(name, data, namespace=namespace, timeout=20)})
    else:
        break

client.disconnect()
say({'done': True})
