# SPDX-License-Identifier: MIT
# schema.py SCHEMA BEYOND FOLDER...: `lpad schema` over every topology below the folders. What lpad takes the schema takes; what
# lpad refuses (a file `error` with an error in it lies beside) the schema refuses too, or it is listed in BEYOND.
import json, os, re, sys
import jsonschema, yaml

class Core(yaml.SafeLoader):
    """YAML 1.2: the core types, no merge keys, no key twice."""

Core.yaml_implicit_resolvers = {}
NUMBER = r'[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?'
Core.add_implicit_resolver('tag:yaml.org,2002:null', re.compile(r'^(~|null|Null|NULL|)$'), None)
Core.add_implicit_resolver('tag:yaml.org,2002:bool', re.compile(r'^(true|True|TRUE|false|False|FALSE)$'), None)
Core.add_implicit_resolver('tag:yaml.org,2002:int', re.compile(r'^([-+]?[0-9]+|0x[0-9a-fA-F]+|0o[0-7]+)$'), None)
Core.add_implicit_resolver('tag:yaml.org,2002:float', re.compile('^' + NUMBER + '$'), None)
Core.add_constructor('tag:yaml.org,2002:int', lambda loader, node:
    int(node.value, 0 if node.value.startswith('0x') or node.value.startswith('0o') else 10))
Core.add_constructor('tag:yaml.org,2002:float', lambda loader, node: float(node.value))

def read(path):
    with open(path, 'rb') as file:
        return yaml.load(file.read().decode('utf-8'), Loader=Core)

def refusals(validator, path):
    try:
        document = read(path)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError, TypeError):
        return None                                 # no editor reads it
    return [error.message[:200] for error in validator.iter_errors(document)]

def is_refused(folder):
    path = os.path.join(folder, 'error')
    return os.path.exists(path) and 'error:' in open(path, errors='replace').read()

schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
beyond = {line.split('#')[0].strip() for line in open(sys.argv[2])} - {''}
wrong, taken, caught, seen = [], 0, 0, set()
for top in sys.argv[3:]:
    for folder, _, names in sorted(os.walk(top)):
        for name in sorted(names):
            if not name.endswith('.yaml'):
                continue
            path = os.path.join(folder, name)
            if name == 'topo.yaml' and '/alias-' in path or os.path.getsize(path) > 100000:
                continue                            # what unfolds without end is for lpad to refuse
            case = os.path.relpath(folder, os.path.dirname(top)) if is_refused(folder) else None
            found = refusals(validator, path)
            if found is None:
                if not case:
                    wrong.append(f'{path}: cannot be read')
            elif not case:
                taken += 1
                if found:
                    wrong.append(f'{path} is right, but: {found[0]}')
            else:
                seen.add(case)
                caught += bool(found)
                if bool(found) == (case in beyond):
                    wrong.append(f'{case}: the schema catches it, so it is not beyond' if found else f'{case}: not caught')
wrong += [f'{case}: is beyond the schema, but there is no such case' for case in sorted(beyond - seen)]
print('\n'.join(wrong))
print(f'{taken} taken, {caught} caught, {len(beyond)} beyond it')
sys.exit(bool(wrong) or taken < 30 or caught < 30)
