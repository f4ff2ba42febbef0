// Real nodes, databases and accounts for the tests: the page, the hooks and the client are tried on what they will meet.

export { Deployment, password } from './deployment.ts';
export { Line } from './line.ts';
export { Node } from './node.ts';
export { Person, type Login, type Message } from './person.ts';
export { buildProgram } from './program.ts';
export { eventually, patience } from './wait.ts';
