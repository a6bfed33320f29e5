"""Writes constructs.jsonl: small templates and what Python's jinja2 (3.1) renders them to, in the environment that
transformers sets up for chat templates. Run it from this folder: python3 make_constructs.py"""

import datetime
import json

import jinja2
import jinja2.ext
import jinja2.sandbox


class Generation(jinja2.ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_render"), [], [], body).set_lineno(line)

    def _render(self, caller):
        return caller()


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


ENVIRONMENT = jinja2.sandbox.ImmutableSandboxedEnvironment(
    trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
ENVIRONMENT.filters["tojson"] = tojson
ENVIRONMENT.globals["raise_exception"] = raise_exception
ENVIRONMENT.globals["strftime_now"] = lambda format: datetime.datetime(2024, 7, 26, 9, 5, 7).strftime(format)

CHAT = [{"role": "system", "content": " Be terse.\n"}, {"role": "user", "content": "Hi <b>&'\"\\ \u00e9 \u4f60 \U0001F600"},
        {"role": "assistant", "content": "<think>\nhmm\n</think>\n\nHello!"}, {"role": "user", "content": "2+2?"}]
BAD_CHAT = CHAT[:2] + [{"role": "user", "content": "again"}]
TOOLS = [{"type": "function", "function": {"name": "f", "description": "d\u00e9 <x>", "parameters": {
    "type": "object", "properties": {"b": {"type": "number", "enum": [1, 2.5, None, True]}, "a": {"type": "string"}}, "required": ["b"]}}}]
CALLS = CHAT[1:2] + [{"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "function": {"name": "f", "arguments": {"b": 1e-7, "a": "x\ny"}}}]},
                     {"role": "tool", "name": "f", "content": "42"}]
BASE = {"messages": CHAT, "tools": None, "documents": None, "add_generation_prompt": True, "bos_token": "<s>", "eos_token": "</s>"}

MISTRAL = """{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token}}{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}"""
MISTRAL_V3 = """{%- if messages[0]["role"] == "system" %}
    {%- set system_message = messages[0]["content"] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set loop_messages = messages %}
{%- endif %}
{%- if not tools is defined %}
    {%- set tools = none %}
{%- endif %}
{%- set user_messages = loop_messages | selectattr("role", "equalto", "user") | list %}
{%- set ns = namespace() %}
{%- set ns.index = 0 %}
{%- for message in loop_messages %}
    {%- if not (message.role == "tool" or message.role == "tool_results" or (message.tool_calls is defined and message.tool_calls is not none)) %}
        {%- if (message["role"] == "user") != (ns.index % 2 == 0) %}
            {{- raise_exception("After the optional system message, conversation roles must alternate user/assistant/user/assistant/...") }}
        {%- endif %}
        {%- set ns.index = ns.index + 1 %}
    {%- endif %}
{%- endfor %}
{{- bos_token }}
{%- for message in loop_messages %}
    {%- if message["role"] == "user" %}
        {%- if tools is not none and (message == user_messages[-1]) %}
            {{- "[AVAILABLE_TOOLS] [" }}
            {%- for tool in tools %}
                {%- set tool = tool.function %}
                {{- '{"type": "function", "function": {' }}
                {%- for key, val in tool.items() if key != "return" %}
                    {%- if val is string %}
                        {{- '"' + key + '": "' + val + '"' }}
                    {%- else %}
                        {{- '"' + key + '": ' + val|tojson }}
                    {%- endif %}
                    {%- if not loop.last %}
                        {{- ", " }}
                    {%- endif %}
                {%- endfor %}
                {{- "}}" }}
                {%- if not loop.last %}
                    {{- ", " }}
                {%- else %}
                    {{- "]" }}
                {%- endif %}
            {%- endfor %}
            {{- "[/AVAILABLE_TOOLS]" }}
            {%- endif %}
        {%- if loop.last and system_message is defined %}
            {{- "[INST] " + system_message + "\\n\\n" + message["content"] + "[/INST]" }}
        {%- else %}
            {{- "[INST] " + message["content"] + "[/INST]" }}
        {%- endif %}
    {%- elif message["role"] == "assistant" %}
        {{- " " + message["content"]|trim + eos_token}}
    {%- endif %}
{%- endfor %}
"""
GEMMA = """{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if (message['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}{% endif %}{{ '<start_of_turn>' + role + '\\n' + message['content'] | trim + '<end_of_turn>\\n' }}{% endfor %}{% if add_generation_prompt %}{{'<start_of_turn>model\\n'}}{% endif %}"""
GEMMA3 = """{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
    {%- if messages[0]['content'] is string -%}
        {%- set first_user_prefix = messages[0]['content'] + '\\n\\n' -%}
    {%- else -%}
        {%- set first_user_prefix = messages[0]['content'][0]['text'] + '\\n\\n' -%}
    {%- endif -%}
    {%- set loop_messages = messages[1:] -%}
{%- else -%}
    {%- set first_user_prefix = "" -%}
    {%- set loop_messages = messages -%}
{%- endif -%}
{%- for message in loop_messages -%}
    {%- if (message['role'] == 'assistant') -%}
        {%- set role = "model" -%}
    {%- else -%}
        {%- set role = message['role'] -%}
    {%- endif -%}
    {{ '<start_of_turn>' + role + '\\n' + (first_user_prefix if loop.first else "") }}
    {%- if message['content'] is string -%}
        {{ message['content'] | trim }}
    {%- elif message['content'] is iterable -%}
        {%- for item in message['content'] -%}
            {%- if item['type'] == 'image' -%}
                {{ '<start_of_image>' }}
            {%- elif item['type'] == 'text' -%}
                {{ item['text'] | trim }}
            {%- endif -%}
        {%- endfor -%}
    {%- else -%}
        {{ raise_exception("Invalid content type") }}
    {%- endif -%}
    {{ '<end_of_turn>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{'<start_of_turn>model\\n'}}
{%- endif -%}
"""
PHI = """{% for message in messages %}{% if message['role'] == 'system' and message['content'] %}{{'<|system|>\\n' + message['content'] + '<|end|>\\n'}}{% elif message['role'] == 'user' %}{{'<|user|>\\n' + message['content'] + '<|end|>\\n'}}{% elif message['role'] == 'assistant' %}{{'<|assistant|>\\n' + message['content'] + '<|end|>\\n'}}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% else %}{{ eos_token }}{% endif %}"""
CHATML = """{% set ns = namespace(system=false) %}
{% for message in messages %}
    {% if message.role == 'system' %}
        {% set ns.system = true %}
    {% endif %}
{% endfor %}
{% if not ns.system %}
<|im_start|>system
default<|im_end|>
{% endif %}
{% for message in messages %}
{{ '<|im_start|>' ~ message.role }}
{{ message.content }}<|im_end|>
{% endfor %}
{% if add_generation_prompt %}
<|im_start|>assistant
{% endif %}
"""
DEEPSEEK = """{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}{% set ns = namespace(is_first=false, is_tool=false, is_output_first=true, system_prompt='') %}{%- for message in messages %}{%- if message['role'] == 'system' %}{% set ns.system_prompt = message['content'] %}{%- endif %}{%- endfor %}{{bos_token}}{{ns.system_prompt}}{%- for message in messages %}{%- if message['role'] == 'user' %}{%- set ns.is_tool = false -%}{{'<|User|>' + message['content']}}{%- endif %}{%- if message['role'] == 'assistant' and message['content'] is none %}{%- set ns.is_tool = false -%}{%- for tool in message['tool_calls']%}{%- if not ns.is_first %}{{'<|Assistant|><|tool_calls_begin|>' + tool['function']['name'] + '\\n' + '```json' + '\\n' + tool['function']['arguments']|tojson + '\\n' + '```'}}{%- set ns.is_first = true -%}{%- endif %}{%- endfor %}{%- endif %}{%- if message['role'] == 'assistant' and message['content'] is not none %}{% set content = message['content'] %}{% if '</think>' in content %}{% set content = content.split('</think>')[-1] %}{% endif %}{{'<|Assistant|>' + content + '<|end|>'}}{%- endif %}{%- if message['role'] == 'tool' %}{%- set ns.is_tool = true -%}{{'<|tool_output|>' + message['content']}}{%- endif %}{%- endfor -%}{% if ns.is_tool %}{{'<|tool_outputs_end|>'}}{% endif %}{% if add_generation_prompt and not ns.is_tool %}{{'<|Assistant|><think>\\n'}}{% endif %}"""
QWEN3 = """{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0].role == 'system' %}
        {{- messages[0].content + '\\n\\n' }}
    {%- endif %}
    {{- "# Tools\\n<tools>" }}
    {%- for tool in tools %}
        {{- "\\n" }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- "\\n</tools><|im_end|>\\n" }}
{%- else %}
    {%- if messages[0].role == 'system' %}
        {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
    {%- endif %}
{%- endif %}
{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step_tool and message.role == "user" and message.content is string and not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
        {%- set ns.multi_step_tool = false %}
        {%- set ns.last_query_index = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.content is string %}
        {%- set content = message.content %}
    {%- else %}
        {%- set content = '' %}
    {%- endif %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {%- set reasoning_content = '' %}
        {%- if message.reasoning_content is string %}
            {%- set reasoning_content = message.reasoning_content %}
        {%- else %}
            {%- if '</think>' in content %}
                {%- set reasoning_content = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
                {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
            {%- endif %}
        {%- endif %}
        {%- if loop.index0 > ns.last_query_index %}
            {%- if loop.last or (not loop.last and reasoning_content) %}
                {{- '<|im_start|>' + message.role + '\\n<think>\\n' + reasoning_content.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}
            {%- else %}
                {{- '<|im_start|>' + message.role + '\\n' + content }}
            {%- endif %}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\\n' + content }}
        {%- endif %}
        {%- if message.tool_calls %}
            {%- for tool_call in message.tool_calls %}
                {%- if (loop.first and content) or (not loop.first) %}
                    {{- '\\n' }}
                {%- endif %}
                {%- if tool_call.function %}
                    {%- set tool_call = tool_call.function %}
                {%- endif %}
                {{- '<tool_call>\\n{"name": "' }}
                {{- tool_call.name }}
                {{- '", "arguments": ' }}
                {%- if tool_call.arguments is string %}
                    {{- tool_call.arguments }}
                {%- else %}
                    {{- tool_call.arguments | tojson }}
                {%- endif %}
                {{- '}\\n</tool_call>' }}
            {%- endfor %}
        {%- endif %}
        {{- '<|im_end|>\\n' }}
    {%- elif message.role == "tool" %}
        {%- if loop.first or (messages[loop.index0 - 1].role != "tool") %}
            {{- '<|im_start|>user' }}
        {%- endif %}
        {{- '\\n<tool_response>\\n' }}
        {{- content }}
        {{- '\\n</tool_response>' }}
        {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}
            {{- '<|im_end|>\\n' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}"""
COMMAND_R = """{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}{% elif false == true %}{% set loop_messages = messages %}{% set system_message = 'You are Command-R.' %}{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}{% if system_message != false %}{{ '<|SYS|>' + system_message.strip() + '<|END|>' }}{% endif %}{% for message in loop_messages %}{% set content = message['content'] %}{% if message['role'] == 'user' %}{{ '<|USER|>' + content.strip() + '<|END|>' }}{% elif message['role'] == 'assistant' %}{{ '<|BOT|>'  + content.strip() + '<|END|>' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|BOT|>' }}{% endif %}"""
MACROS = """{%- macro json_to_python_type(json_spec) %}
{%- set basic_type_map = {"string": "str", "number": "float", "integer": "int", "boolean": "bool"} %}
{%- if basic_type_map[json_spec.type] is defined %}
    {{- basic_type_map[json_spec.type] }}
{%- elif json_spec.type == "array" %}
    {{- "List[" +  json_to_python_type(json_spec.items) + "]"}}
{%- elif json_spec.type == "object" %}
    {{- "Dict[" -}}
    {%- for name, p in json_spec.properties.items() %}
        {{- name ~ ": " ~ json_to_python_type(p) ~ ("" if loop.last else ", ") }}
    {%- endfor %}
    {{- "]" }}
{%- elif json_spec.type is iterable %}
    {{- "Union[" + json_spec.type | join(",") + "]" }}
{%- else %}
    {{- "Any" }}
{%- endif %}
{%- endmacro %}
{%- for tool in tools %}
def {{ tool.function.name }}({{ json_to_python_type(tool.function.parameters) }}) -> {{ json_to_python_type(tool['function'].returns|default({'type': 'null'})) }}
{%- endfor %}"""

SMALL = [
    "{{ 1 + 2 * 3 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 2 ** 10 }} {{ 10 / 5 }} {{ 1.5 + 1 }} {{ 2 ** -1 }} {{ -2 ** 2 }}",
    "{{ 1e16 }} {{ 1e15 }} {{ 0.0001 }} {{ 0.00001 }} {{ 1.0 }} {{ 123456789.123 }} {{ 1e-7 }} {{ 1.5e300 }} {{ 3.14e0 }}",
    "{{ 1 if false }}|{{ none }}|{{ true }}|{{ missing }}|{{ 'a' if missing else 'b' }}|{{ missing is defined }}|{{ not missing }}",
    "{{ 'a' ~ 1 ~ none ~ true ~ 1.0 ~ missing }}|{{ 'a' 'b' \"c\" }}|{{ 'x' * 3 }}|{{ [1] + [2, 'a'] }}|{{ [0] * 3 }}",
    "{{ [1, 'a\\'b', \"q\\\"\", none, true, 1.5, {'k': [()]}] }} {{ (1,) }} {{ (1, 2) }} {{ {} }} {{ {'a': 1, 2: 'b'} }}",
    "{{ 1 < 2 < 3 }} {{ 1 < 2 > 5 }} {{ 'a' in 'cat' }} {{ 'z' not in 'cat' }} {{ 1 in [1, 2] }} {{ 'role' in messages[0] }} {{ 1 == 1.0 == true }} {{ [1, 2] < [1, 3] }}",
    "{{ 'abcdef'[1:3] }}{{ 'abcdef'[::-1] }}{{ 'abcdef'[-2:] }}{{ 'abcdef'[:-4] }}{{ 'abcdef'[::2] }}{{ 'abcdef'[4:1:-1] }}{{ 'abc'[5:] }}{{ [1,2,3,4][1:-1] }}{{ messages[-1].content[0] }}",
    "{{ 'h\U0001F600\u00e9llo'[1] }} {{ 'h\U0001F600\u00e9llo'|length }} {{ 'h\U0001F600\u00e9llo'[::-1] }} {{ 'h\U0001F600\u00e9llo'[2:] }} {{ 'a\U0001F600b'.find('b') }} {% for c in 'a\U0001F600b' %}[{{ c }}]{% endfor %}",
    "{{ ' x '|trim }}|{{ 'xxaxx'|trim('x') }}|{{ ' \\t\\n\\x1c a \\xa0\\u3000'.strip() }}|{{ '..a..'.lstrip('.') }}|{{ '..a..'.rstrip('.') }}|{{ 'abcab'.strip('ab') }}",
    "{{ 'a,b,,c'.split(',') }} {{ ' a  b c '.split() }} {{ 'a b c'.split(' ', 1) }} {{ 'a  b  c '.split(none, 1) }} {{ 'a.b.c'.rsplit('.', 1) }} {{ 'a b c d'.rsplit(none, 2) }} {{ ''.split() }} {{ ''.split(',') }}",
    "{{ 'a\\nb\\r\\nc\\n'.splitlines() }} {{ 'k=v=w'.partition('=') }} {{ 'k=v=w'.rpartition('=') }} {{ 'k'.partition('=') }} {{ 'aXbX'.replace('X', '-') }} {{ 'aXbX'.replace('X', '-', 1) }} {{ 'ab'.replace('', '.') }} {{ ','.join(['a', 'b']) }}",
    "{{ 'hello wORLD it\\'s'.title() }}|{{ 'hello wORLD it\\'s'|title }}|{{ 'hELLO wORLD'.capitalize() }}|{{ 'hELLO'|capitalize }}|{{ 'aB'.upper() }}|{{ 'aB'.lower() }}|{{ 'aB'|upper }}|{{ 'aB'|lower }}|{{ 'aB'.swapcase() }}",
    "{{ 'abc'.startswith('a') }} {{ 'abc'.endswith(('x', 'c')) }} {{ 'abcabc'.count('bc') }} {{ 'abc'.find('c') }} {{ 'abc'.find('z') }} {{ 'abc'.index('b') }} {{ '12'.isdigit() }} {{ 'a1'.isalnum() }} {{ ' '.isspace() }} {{ 'A'.isupper() }} {{ 'a'.islower() }} {{ 'ab'.isalpha() }}",
    "{{ 'abc'.removeprefix('a') }} {{ 'abc'.removesuffix('c') }} {{ '7'.zfill(3) }} {{ '-7'.zfill(4) }} {{ 'a'.ljust(3, '.') }} {{ 'a'.rjust(3) }} {{ 'ab'.center(5, '*') }} {{ 'a'.center(4, '*') }} {{ 'abc'|center(6) }}| {{ '{} {x}'.format(1, x='y') }} {{ '%s-%d-%.2f-%5s-%-3s|' % ('a', 3, 1.5, 'r', 'l') }} {{ '%s' % 'z' }} {{ '%05d'|format(42) }}",
    "{% set d = {'b': 2, 'a': 1, 'C': 3} %}{{ d.items()|list }} {{ d.keys()|list }} {{ d.values()|list }} {{ d|dictsort }} {{ d|dictsort(true) }} {{ d|dictsort(by='value') }} {{ d.get('a') }} {{ d.get('z') }} {{ d.get('z', 0) }} {{ d.a }} {{ d['b'] }} {{ d.zzz is defined }} {{ d|length }} {{ d|list }} {% for k, v in d|items %}{{ k }}={{ v }};{% endfor %}",
    "{{ messages|map(attribute='role')|join(', ') }} {{ messages|map(attribute='role')|map('upper')|list }} {{ messages|selectattr('role', 'equalto', 'user')|list|length }} {{ messages|selectattr('role', 'eq', 'user')|map(attribute='content')|first }} {{ messages|rejectattr('role', 'in', ['user', 'system'])|list|length }} {{ messages|selectattr('content')|list|length }} {{ messages|map(attribute='none', default='-')|join }}",
    "{{ [3, 1, 2]|sort }} {{ ['b', 'A', 'c']|sort }} {{ ['b', 'A', 'c']|sort(case_sensitive=true) }} {{ [3, 1, 2]|sort(reverse=true) }} {{ messages|sort(attribute='role')|map(attribute='role')|list }} {{ [1, 2, 1, 'a', 'A']|unique|list }} {{ [1, 5, 2]|max }} {{ [4, 2]|min }} {{ [1, 2.5]|sum }} {{ [{'n': 1}, {'n': 2}]|sum(attribute='n') }} {{ [1, 2, 3]|reverse|list }} {{ 'abc'|reverse }}",
    "{{ [1, 2, 3]|first }} {{ [1, 2, 3]|last }} {{ []|first is defined }} {{ 'abc'|first }} {{ 'abc'|last }} {{ 'abc'|list }} {{ [1, 2, 3, 4, 5]|batch(2)|list }} {{ [1, 2, 3, 4, 5]|batch(2, '-')|list }} {{ [1, 2, 3, 4, 5]|slice(3)|list }} {{ [1, 2, 3, 4]|select('odd')|list }} {{ [0, 1, none, 'a']|select|list }} {{ [1, 2, 3]|reject('gt', 1)|list }}",
    "{{ '5'|int + 1 }} {{ '5.7'|int }} {{ 'x'|int }} {{ 'x'|int(7) }} {{ '0x1A'|int(0, 16) }} {{ 5.9|int }} {{ '1.5'|float }} {{ 'x'|float }} {{ 3|float }} {{ 3|string + 'a' }} {{ 2.567|round(2) }} {{ 2.5|round }} {{ 3.5|round }} {{ 2.1|round(0, 'ceil') }} {{ 2.9|round(method='floor') }} {{ -3|abs }} {{ none|string }}",
    "{{ missing|default('d') }} {{ ''|default('d') }} {{ ''|default('d', true) }} {{ none|default('d') }} {{ none|d('d', boolean=true) }} {{ 0|default(5, true) }} {{ false|default('x') }}",
    "{{ '<a href=\"x\">&\\'</a>'|e }} {{ 'a b'|urlencode }} {{ 'one two, three'|wordcount }} {{ 'foo bar baz qux'|truncate(9) }} {{ 'foo bar baz qux'|truncate(9, true) }} {{ 'foo bar baz qux'|truncate(11) }} {{ 'a\\nb\\n\\nc'|indent }}|{{ 'a\\nb'|indent(2, true) }}|{{ 'a\\n\\nb\\n'|indent(2, blank=true) }}|{{ 'a\\nb'|indent('> ') }}|{{ 'x'|safe }}",
    "{{ tools|tojson }}\n{{ tools|tojson(indent=2) }}\n{{ {'b': 1, 'a': [true, none, 1.0, 1e20, 'q\"\\\\\\n\\t\\x01\\x7f\u00e9\u2028']}|tojson }}{{ {'b': 1, 'a': []}|tojson(indent=4, sort_keys=true) }}{{ {'\u00e9': {}}|tojson(ensure_ascii=true) }}{{ [1, {'a': 2}]|tojson(separators=(',', ':')) }}{{ '\U0001F600'|tojson(ensure_ascii=true) }}{{ {1: 2, none: 3, true: 4}|tojson }}{{ []|tojson(indent=2) }}{{ (1, 2)|tojson }}",
    "{{ 1 is number }} {{ 'a' is string }} {{ {} is mapping }} {{ [] is sequence }} {{ {} is iterable }} {{ 1 is iterable }} {{ true is boolean }} {{ 1 is integer }} {{ 1.0 is float }} {{ none is none }} {{ 3 is odd }} {{ 4 is even }} {{ 9 is divisibleby 3 }} {{ 9 is divisibleby(2) }} {{ 1 is eq 1 }} {{ 1 is not eq 2 }} {{ 'a' is in ['a'] }} {{ 'a' is in 'abc' }} {{ true is true }} {{ 1 is true }} {{ false is false }} {{ 1 is sameas 1 }} {{ 2 is gt 1 }} {{ 'a' is lower }} {{ 'A' is upper }} {{ range is callable }} {{ true is number }} {{ true is integer }} {{ missing is none }} {{ missing is undefined }} {{ messages[0].zzz is not defined }} {{ missing is iterable }} {{ 'upper' is filter }}",
    "{% for m in messages %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.previtem.role if loop.previtem is defined }}>{{ loop.nextitem.role if loop.nextitem is defined else '-' }}{{ loop.cycle('a', 'b') }}{{ loop.changed(m.role) }}{{ loop.depth }}\n{% endfor %}",
    "{% for x in [] %}a{% else %}empty{% endfor %}{% for x in missing %}a{% else %}undefined{% endfor %}{% for x in [1,2,3,4] if x is even %}{{ x }}{{ loop.length }}{% endfor %}{% for x in range(10) %}{% if x == 2 %}{% continue %}{% endif %}{% if x > 4 %}{% break %}{% endif %}{{ x }}{% endfor %}{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}{% for i in range(5, 0, -2) %}{{ i }}{% endfor %}{{ range(3)|list }}",
    "{% set x = 1 %}{% for i in [1, 2] %}{{ x }}{% set x = x + i %}{{ x }};{% endfor %}{{ x }}{% if true %}{% set x = 9 %}{% endif %}{{ x }}{% set a, b = 1, 'two' %}{{ a }}{{ b }}{% set t = (1, 2) %}{{ t[1] }}{% for i in [1,2] %}{{ y is defined }}{% set y = i %}{% endfor %}",
    "{% set ns = namespace(n=0, items=[]) %}{% for i in range(4) %}{% set ns.n = ns.n + i %}{% set ns.items = ns.items + [i] %}{% endfor %}{{ ns.n }}{{ ns.items }}{{ ns.zzz is defined }}{% set ns2 = namespace({'a': 1}, b=2) %}{{ ns2.a + ns2.b }}",
    "{% set text %}\n  a {{ 1 }}\n{% endset %}[{{ text }}]{% set text | upper | trim %} b {% endset %}[{{ text }}]{% filter upper %}abc {{ 'd' }}{% endfilter %}{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{{ a is defined }}",
    "{% macro m(a, b='x', c=a) %}[{{ a }},{{ b }},{{ c }}{{ varargs }}{{ kwargs }}]{% endmacro %}{{ m(1) }}{{ m(1, 2) }}{{ m(b=3, a=4) }}{{ m(1, 2, 3, 4, z=5) }}{{ m() }}{% macro outer() %}<{{ caller('q') }}>{% endmacro %}{% call(v) outer() %}in {{ v }}{% endcall %}{% set r = m('p') %}{{ r|length }}",
    "{% macro fact(n) %}{% if n <= 1 %}1{% else %}{{ n * fact(n - 1)|int }}{% endif %}{% endmacro %}{{ fact(10) }}",
    "{% raw %}{{ not }} {% this %}{% endraw %}|{# a comment {{ x }} #}|{%- raw -%}  y  {%- endraw -%}  z",
    "  {% if true %}\n    a\n  {% endif %}\n  b {% if true %} c {% endif %}\n\n{%- if true -%}  \n  d  \n{%- endif -%}\n e\n {{- ' f ' -}} \n g\n    {%+ if true +%}\nh\n{% endif %}\n  {# c #}\n i  {# c -#}   \n j\n",
    "a\n{% if true %}\n\nb{% endif %}\n\n\n{{ 'c' }}\n\n{% for i in [1, 2] %}\n  {{ i }}\n{% endfor %}\nend\n\n",
    "\t {% set x = 1 %} {% set y = 2 %}\n{{ x }}{{ y }}\r\nz\r{% if x %}\r\nq{% endif %}",
    "{{ 'a\\tb\\u00e9\\x41\\\\n\\'\\\"\\q' }}{{ \"it's\" }}{{ '\\U0001F600' }}{{ '{{ }}' }}{{ \"%}\" }}{{ {'a': {'b': 1}} }}{{ {'a': {'b': {}}}['a'] }}",
    "{{ messages[0]['role'] }}{{ messages.0.role }}{{ messages[0]['nope'] is defined }}{{ messages[99] is defined }}{{ messages[-1]['content'] }}{{ ('a', 'b').1 }}{{ 'abc'.upper().lower()[0] }}{{ messages|length > 2 and messages[1].role == 'user' or 'x' }}",
    "{{ 0 or 'a' }}{{ '' and 1 }}|{{ none or missing or 'z' }}{{ not 1 == 2 }}{{ 1 and 2 }}{{ (1, 2) == (1, 2) }}{{ {'a': 1} == {'a': 1} }}{{ [] == none }}{{ 'a' != 'b' }}{{ missing == missing2 }}{{ '' == none }}",
    "{{ strftime_now('%d %b %Y') }}|{{ strftime_now('%A %B %-d, %Y %H:%M:%S %I %p %j %y %m/%e %a %%') }}|{{ strftime_now('%Y-%m-%d') if strftime_now is defined else '' }}",
    "{% set j = joiner(', ') %}{% for x in [1, 2, 3] %}{{ j() }}{{ x }}{% endfor %}{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}{{ dict(a=1, b=2) }}{{ dict({'z': 0}, a=1).items()|list }}",
    "{% generation %}x{% set leak = 1 %}{{ leak }}{% endgeneration %}{{ leak is defined }}",
    "{{ ''.__class__ }}|{{ messages.__len__ is defined }}|{{ messages[0]['__class__'] is defined }}",
    "{{ [{'t': 'a', 'n': 1}, {'t': 'b', 'n': 2}, {'t': 'a', 'n': 3}]|groupby('t')|map('first')|list }}{% for k, g in [{'t': 'a', 'n': 1}, {'t': 'b', 'n': 2}, {'t': 'a', 'n': 3}]|groupby('t') %}{{ k }}:{{ g|map(attribute='n')|join('+') }};{% endfor %}{{ ['a', 'b']|join }}{{ [1, 2]|join('-') }}{{ messages|join('|', attribute='role') }}",
    "{{ 'x' if 1 else 'y' if 2 else 'z' }}{{ ('a' if false else 'b') + 'c' }}{{ -1|abs }}{{ (-1)|abs }}{{ 1 - 1|int }}{{ 'a' + 'b'|upper }}{{ 'a' ~ 'b'|upper }}{{ 3 * 'a'|length }}{{ not true|string }}{{ 'n' + 3 ~ 4 }}",
    "{{ messages|selectattr('role', 'equalto', 'nobody') and 'generators are true' }}{{ 'a' in messages|map(attribute='role') }}{{ 'user' in messages|map(attribute='role') }}",
    "{{ [missing, (missing, 1)] }} {{ 1|round }} {{ 1|round(1, 'ceil') }} {{ missing is sequence }} {{ 12 is lower }} {{ 'a b'|wordcount }} {{ '%d%%'|format(5) }} {{ {'items': 1}.items is callable }} {{ {'items': 1}['items'] }}",
    "{{ 5.0 // 2 }} {{ 5.5 % 2 }} {{ 1_000 }} {{ 0x1f }} {{ 0b11 }} {{ 1.5e3 }} {{ true + 1 }} {{ 10 ** 3 // 7 }} {{ 7.0 == 7 }} {{ 1e3|int }}",
]
ERRORS = [
    "{{ missing.attribute }}", "{{ missing() }}", "{{ 'a' + 1 }}", "{{ 1 + missing }}", "{{ 1 / 0 }}", "{{ none.x.y }}", "{{ messages[0].nope.deeper }}",
    "{{ raise_exception('own words') }}", "{% for a, b in [1] %}{% endfor %}", "{{ 1 < 'a' }}", "{{ [1].append(2) }}", "{{ {}.update(a=1) }}",
    "{% if %}x{% endif %}", "{% for x in %}{% endfor %}", "{% if true %}", "{% endif %}", "{{ 'a' }", "{{ 1 + }}", "{% unknown %}", "{{ a b }}", "{{ (1 }}", "{# open",
    "{% set x.y = 1 %}", "{{ 'a'|nofilter }}", "{{ 1 is notest }}", "{{ missing|tojson }}", "{{ 5|length }}", "{{ range(1000000)|length }}", "{% for x in 5 %}{% endfor %}",
    "{{ 'a'.nomethod() }}", "{{ {[]: 1} }}", "{% include 'x' %}", "{{ ''.join([1]) if false else 'abc'.split('') }}", "{{ messages[0].content[1:'a'] }}", "{% break",
    "{{ 'open }}", "{{ 1 if }}", "{% macro %}{% endmacro %}", "{{ {'a' 1} }}", "{{ x[ }}",
    "{{ missing|int }}", "{{ '-'.join([1]) }}", "{{ [1, 'a']|sort }}", "{{ [1, 'a']|max }}", "{{ 'a' % 1 }}", "{{ messages[0][1:] }}",
]

rows = []
def add(template, **variables):
    given = {**BASE, **variables}
    row = {"template": template, "variables": given}
    try:
        row["expected"] = ENVIRONMENT.from_string(template).render(**given)
    except Exception as error:
        row["error"] = str(error)
    rows.append(row)


for template in (MISTRAL, MISTRAL_V3, GEMMA, GEMMA3, PHI, CHATML, DEEPSEEK, QWEN3, COMMAND_R):
    for messages in (CHAT, CHAT[1:], BAD_CHAT, CHAT[1:3]):
        add(template, messages=messages)
    add(template, add_generation_prompt=False)
for template in (MISTRAL_V3, QWEN3, MACROS):
    add(template, tools=TOOLS, messages=CHAT[1:])
for template in (DEEPSEEK, QWEN3):
    add(template, messages=CALLS, tools=TOOLS)
add(QWEN3, enable_thinking=False)
add(GEMMA3, messages=[{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": " look "}]}])
for template in SMALL + ERRORS:
    add(template, tools=TOOLS)

for row in rows:
    if row["template"] in SMALL and "error" in row:
        raise SystemExit(f"{row['template']}: {row['error']}")
    if row["template"] in ERRORS and "expected" in row:
        raise SystemExit(f"{row['template']} renders {row['expected']!r}")
with open("constructs.jsonl", "w", encoding="utf-8") as file:
    for row in rows:
        file.write(json.dumps(row, ensure_ascii=False) + "\n")
