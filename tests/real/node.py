"""A real node: llama.cpp's server with a small model. python node.py MODEL PORT SLOTS [TEMPLATE]; it ends with its input."""
import sys

import xllamacpp

model, port, slots = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
params = xllamacpp.CommonParams()
params.model.path = model
params.hostnames = ["127.0.0.1"]
params.port = port
params.n_parallel = slots
params.n_ctx = 4096 * slots
params.cpuparams.n_threads = 1
params.cpuparams_batch.n_threads = 2
if len(sys.argv) > 4:
    params.chat_template = open(sys.argv[4]).read()
params.verbosity = 0
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
sys.stdin.read()
