"""The Python SDKs, as python.mjs drives them: a JSON line on stdin names what to do, a JSON line on
stdout tells what came of it. The first line of all holds what the cases share. A process is one SDK's.

    {"case": "plain", "base": "http://…", "key": "hk-…", "retries": 0, "timeout": 30}
    {"got": …}   or   {"error": "RateLimitError", "status": 429, "told": "…"}
"""

import asyncio
import base64
import json
import os
import sys

import pydantic

SHARED = json.loads(sys.stdin.readline())
HEARD, TWO, LONG, PNG = SHARED["heard"], SHARED["two"], SHARED["long"], SHARED["png"]
PARAMETERS, NAMES, MODELS = SHARED["parameters"], SHARED["names"], SHARED["models"]
GIVEN_UP_AFTER = 5


class City(pydantic.BaseModel):
    city: str
    count: int
    tags: list[str]


def look_up(q: str) -> str:
    """Looks a word up.

    Args:
        q: the word
    """
    return f"found {q}"


async def together(*asked):
    return await asyncio.gather(*asked)


def give_up(stream, close):
    """Leaves a stream in its middle."""
    for n, _ in enumerate(stream, 1):
        if n == GIVEN_UP_AFTER:
            close()
            return n
    return None


# ---------------------------------------------------------------- OpenAI


def openai_cases():
    import openai

    gpt, thinks = MODELS["chat"], MODELS["responses"]
    chat_tools = [{"type": "function", "function": {"name": n, "parameters": PARAMETERS}} for n in NAMES]
    tools = [{"type": "function", "name": n, "parameters": PARAMETERS, "strict": False} for n in NAMES]
    image = f"data:image/png;base64,{PNG}"

    def client(ask, kind=openai.OpenAI):
        return kind(base_url=ask["base"], api_key=ask["key"], max_retries=ask["retries"], timeout=ask["timeout"])

    def chat(content, **more):
        return {"model": gpt, "messages": [{"role": "user", "content": content}], **more}

    def calls_of(message):
        return [[c.function.name, json.loads(c.function.arguments)] for c in message.tool_calls]

    def short(ai):
        return ai.chat.completions.create(**chat("hello")).choices[0].message.content

    def plain(ai):
        answer = ai.chat.completions.create(**chat(HEARD))
        return [answer.choices[0].message.content, answer.usage.total_tokens > 0]

    def streaming(ai):
        text, usage = "", 0
        for chunk in ai.chat.completions.create(**chat(HEARD, stream=True, stream_options={"include_usage": True})):
            text += chunk.choices[0].delta.content or "" if chunk.choices else ""
            usage += chunk.usage.total_tokens if chunk.usage else 0
        return [text, usage > 0]

    def streamed_calls(ai):
        calls = []
        for chunk in ai.chat.completions.create(**chat(TWO, tools=chat_tools, stream=True)):
            for piece in chunk.choices[0].delta.tool_calls or []:
                if piece.function.name:
                    calls.append([piece.function.name, ""])
                calls[piece.index][1] += piece.function.arguments or ""
        return [[name, json.loads(args)] for name, args in calls]

    def with_tools(ai):
        asked = chat(TWO, tools=chat_tools)
        message = ai.chat.completions.create(**asked).choices[0].message
        results = [{"role": "tool", "tool_call_id": c.id, "content": "found"} for c in message.tool_calls]
        asked["messages"] += [message, *results]
        final = ai.chat.completions.create(**asked).choices[0].message.content
        return [calls_of(message), streamed_calls(ai), final]

    def images(ai):
        content = [{"type": "text", "text": HEARD}, {"type": "image_url", "image_url": {"url": image}}]
        return ai.chat.completions.create(**chat(content)).choices[0].message.content

    def structured(ai):
        message = ai.chat.completions.parse(**chat(HEARD, response_format=City)).choices[0].message
        response = ai.responses.parse(model=thinks, input=HEARD, text_format=City)
        return [message.parsed.model_dump(), response.output_parsed.model_dump()]

    def responses(ai):
        asked = {"model": thinks, "input": HEARD, "reasoning": {"effort": "low"}}
        with ai.responses.stream(**asked) as stream:
            text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
            final = stream.get_final_response()
        thought = final.usage.output_tokens_details.reasoning_tokens > 0
        return [ai.responses.create(**asked).output_text, text, final.output_text, final.status, thought]

    def responses_with_tools(ai):
        asked = {"model": thinks, "tools": tools}
        output = ai.responses.create(input=TWO, **asked).output
        results = [{"type": "function_call_output", "call_id": c.call_id, "output": "found"} for c in output]
        again = ai.responses.create(input=[{"role": "user", "content": TWO}, *output, *results], **asked)
        content = [{"type": "input_text", "text": HEARD}, {"type": "input_image", "image_url": image, "detail": "auto"}]
        seen = ai.responses.create(model=thinks, input=[{"role": "user", "content": content}])
        return [[[c.name, json.loads(c.arguments)] for c in output], again.output_text, seen.output_text]

    def embeddings(ai):
        asked = {"model": MODELS["embedding"], "input": ["a", "b"], "dimensions": 4}
        whole = ai.embeddings.create(**asked).data
        plain = ai.embeddings.create(encoding_format="float", **asked).data
        return [[one.embedding for one in whole], [one.embedding for one in plain]]

    def more(ai):
        speech = ai.audio.speech.create(model="tts-1", voice="alloy", input="hello").read()
        song = ("song.mp3", base64.b64decode(PNG))
        heard = ai.audio.transcriptions.create(model="whisper-1", file=song).text
        picture = ai.images.generate(model="gpt-image-1", prompt="a cat").data[0].b64_json
        flagged = ai.moderations.create(input="violence").results[0].flagged
        return [len(speech), heard.startswith("heard "), len(picture) > 0, flagged]

    def models(ai):
        return [gpt in [one.id for one in ai.models.list()], ai.models.retrieve(gpt).id]

    async def at_once(ai):
        async def stream(word):
            chunks = await ai.chat.completions.create(**chat(word, stream=True))
            return "".join([chunk.choices[0].delta.content or "" async for chunk in chunks])

        async with ai:
            return await together(*[stream(f"{HEARD} {i}") for i in range(3)])

    def abort(ai):
        stream = ai.chat.completions.create(**chat(LONG, stream=True))
        return give_up(stream, stream.close)

    def stream(ai):
        return "".join(c.choices[0].delta.content or "" for c in ai.chat.completions.create(**chat("hello", stream=True)))

    def response_stream(ai):
        with ai.responses.stream(model=gpt, input="hello") as events:
            final = events.get_final_response()
        if final.status != "completed":
            raise RuntimeError(final.status)
        return final.output_text

    def from_environment(_):
        return short(openai.OpenAI())

    return client, openai.AsyncOpenAI, {
        "short": short, "plain": plain, "streaming": streaming, "tools": with_tools, "images": images,
        "structured": structured, "responses": responses, "responses with tools": responses_with_tools,
        "embeddings": embeddings, "more": more, "models": models, "at once": at_once, "abort": abort, "stream": stream,
        "response stream": response_stream, "from environment": from_environment,
    }


# ---------------------------------------------------------------- Anthropic


def anthropic_cases():
    import anthropic

    claude = MODELS["claude"]
    tools = [{"name": name, "input_schema": PARAMETERS} for name in NAMES]

    def client(ask, kind=anthropic.Anthropic):
        return kind(base_url=ask["base"], api_key=ask["key"], max_retries=ask["retries"], timeout=ask["timeout"])

    def message(content, **more):
        return {"model": claude, "max_tokens": 4096, "messages": [{"role": "user", "content": content}], **more}

    def text_of(answer):
        return "".join(block.text for block in answer.content if block.type == "text")

    def calls_of(answer):
        return [[block.name, block.input] for block in answer.content]

    def short(ai):
        return text_of(ai.messages.create(**message("hello")))

    def plain(ai):
        answer = ai.messages.create(**message(HEARD))
        return [text_of(answer), answer.usage.output_tokens > 0]

    def streaming(ai):
        with ai.messages.stream(**message(HEARD, thinking={"type": "adaptive"})) as stream:
            text = "".join(stream.text_stream)
            final = stream.get_final_message()
        return [text, [block.type for block in final.content], final.stop_reason]

    def with_tools(ai):
        asked = message(TWO, tools=tools)
        called = ai.messages.create(**asked)
        with ai.messages.stream(**asked) as stream:
            streamed = stream.get_final_message()
        results = [{"type": "tool_result", "tool_use_id": b.id, "content": "found "} for b in called.content]
        asked["messages"] += [{"role": "assistant", "content": called.content}, {"role": "user", "content": results}]
        return [calls_of(called), calls_of(streamed), text_of(ai.messages.create(**asked))]

    def runner(ai):
        asked = message('look_up({"q":"it"})', tools=[anthropic.beta_tool(look_up)])
        return text_of(ai.beta.messages.tool_runner(**asked).until_done())

    def images(ai):
        source = {"type": "base64", "media_type": "image/png", "data": PNG}
        return text_of(ai.messages.create(**message([{"type": "text", "text": HEARD}, {"type": "image", "source": source}])))

    def structured(ai):
        return ai.messages.parse(**message(HEARD), output_format=City).parsed_output.model_dump()

    def models(ai):
        asked = {name: value for name, value in message(HEARD).items() if name != "max_tokens"}
        tokens = ai.messages.count_tokens(**asked).input_tokens
        listed = [one.id for one in ai.models.list(limit=2)]
        return [tokens > 0, len(listed), claude in listed, ai.models.retrieve(claude).id]

    def version_before(ai):
        before = {"anthropic-version": "2023-06-01"}
        return text_of(ai.messages.create(**message(HEARD), extra_body={"temperature": 0}, extra_headers=before))

    async def at_once(ai):
        async def stream(word):
            async with ai.messages.stream(**message(word)) as events:
                return text_of(await events.get_final_message())

        async with ai:
            return await together(*[stream(f"{HEARD} {i}") for i in range(3)])

    def abort(ai):
        stream = ai.messages.create(**message(LONG, stream=True))
        return give_up(stream, stream.close)

    def stream(ai):
        with ai.messages.stream(**message("hello")) as events:
            return text_of(events.get_final_message())

    def from_environment(_):
        return short(anthropic.Anthropic())

    return client, anthropic.AsyncAnthropic, {
        "short": short, "plain": plain, "streaming": streaming, "tools": with_tools, "runner": runner, "images": images,
        "structured": structured, "models": models, "version before": version_before, "at once": at_once, "abort": abort,
        "stream": stream, "from environment": from_environment,
    }


# ---------------------------------------------------------------- Gemini


def gemini_cases():
    from google import genai
    from google.genai import types

    model = MODELS["gemini"]
    declared = [{"name": name, "parameters_json_schema": PARAMETERS} for name in NAMES]
    tools = {"tools": [{"function_declarations": declared}]}

    def client(ask, kind=genai.Client):
        retry = types.HttpRetryOptions(attempts=ask["retries"] + 1, initial_delay=0.2)
        options = types.HttpOptions(base_url=ask["base"], retry_options=retry, timeout=int(ask["timeout"] * 1000))
        return kind(api_key=ask["key"], http_options=options)

    def generate(ai, contents, **config):
        return ai.models.generate_content(model=model, contents=contents, config=config)

    def calls_of(answer):
        return [[call.name, call.args] for call in answer.function_calls or []]

    def short(ai):
        return generate(ai, "hello").text

    def plain(ai):
        answer = generate(ai, HEARD, system_instruction="be brief")
        return [answer.text, answer.usage_metadata.total_token_count > 0]

    def streaming(ai):
        text, finish = "", None
        for chunk in ai.models.generate_content_stream(model=model, contents=HEARD):
            text += chunk.text or ""
            finish = chunk.candidates[0].finish_reason or finish
        return [text, finish]

    def with_tools(ai):
        called = generate(ai, TWO, **tools)
        results = [
            types.Part(function_response=types.FunctionResponse(id=call.id, name=call.name, response={"output": "found "}))
            for call in called.function_calls
        ]
        user = types.Content(role="user", parts=[types.Part(text=TWO)])
        contents = [user, called.candidates[0].content, types.Content(role="user", parts=results)]
        chunks = ai.models.generate_content_stream(model=model, contents=TWO, config=tools)
        streamed = [call for chunk in chunks for call in calls_of(chunk)]
        return [calls_of(called), streamed, generate(ai, contents, **tools).text]

    def runner(ai):
        return generate(ai, 'look_up({"q":"it"})', tools=[look_up]).text

    def images(ai):
        return generate(ai, [types.Part(text=HEARD), types.Part.from_bytes(data=base64.b64decode(PNG), mime_type="image/png")]).text

    def structured(ai):
        return generate(ai, HEARD, response_mime_type="application/json", response_schema=City).parsed.model_dump()

    def embeddings(ai):
        asked = {"model": MODELS["gemini embedding"], "contents": ["a", "b"], "config": {"output_dimensionality": 4}}
        return [one.values for one in ai.models.embed_content(**asked).embeddings]

    def tokens(ai):
        return ai.models.count_tokens(model=model, contents=HEARD).total_tokens > 0

    def models(ai):
        listed = [one.name for one in ai.models.list(config={"page_size": 2})]
        return [len(listed), f"models/{model}" in listed, ai.models.get(model=model).name]

    def interactions(ai):
        whole = ai.interactions.create(model=model, input=HEARD).output_text
        events = ai.interactions.create(model=model, input=HEARD, stream=True)
        deltas = [getattr(event, "delta", None) for event in events]
        return [whole, "".join(getattr(delta, "text", None) or "" for delta in deltas)]

    async def at_once(ai):
        async def stream(word):
            chunks = await ai.aio.models.generate_content_stream(model=model, contents=word)
            return "".join([chunk.text or "" async for chunk in chunks])

        return await together(*[stream(f"{HEARD} {i}") for i in range(3)])

    def abort(ai):
        stream = ai.models.generate_content_stream(model=model, contents=LONG)
        return give_up(stream, stream.close)

    def stream(ai):
        return "".join(chunk.text or "" for chunk in ai.models.generate_content_stream(model=model, contents="hello"))

    def from_environment(_):
        return short(genai.Client())

    return client, genai.Client, {
        "short": short, "plain": plain, "streaming": streaming, "tools": with_tools, "runner": runner, "images": images,
        "structured": structured, "embeddings": embeddings, "tokens": tokens, "models": models, "interactions": interactions,
        "at once": at_once, "abort": abort, "stream": stream, "from environment": from_environment,
    }


# ---------------------------------------------------------------- asked, and told


def status_of(error):
    status = getattr(error, "status_code", None)
    code = getattr(error, "code", None)
    return status if status is not None else code if isinstance(code, int) else None


def answer(ask, client, async_kind, case):
    os.environ.update(ask.get("env", {}))
    try:
        if asyncio.iscoroutinefunction(case):
            return {"got": asyncio.run(case(client(ask, async_kind)))}
        return {"got": case(client(ask))}
    except Exception as error:  # whatever it is, node judges it
        return {"error": type(error).__name__, "status": status_of(error), "told": str(error)}


def main():
    sdk = {"openai": openai_cases, "anthropic": anthropic_cases, "gemini": gemini_cases}[sys.argv[1]]
    client, async_kind, cases = sdk()
    for line in sys.stdin:
        ask = json.loads(line)
        print(json.dumps(answer(ask, client, async_kind, cases[ask["case"]])), flush=True)


main()
