// What the bundler makes of an import that is not JavaScript: see the rules in wrangler.toml.
declare module '*.wasm' {
    const module: WebAssembly.Module;
    export default module;
}
