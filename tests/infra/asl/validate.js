// Reads {"name": definition, …} from standard input, prints {"name": [errors], …}.
const validate = require("asl-validator");

const read = (stream) =>
  new Promise((resolve, reject) => {
    let text = "";
    stream.setEncoding("utf8");
    stream.on("data", (part) => (text += part));
    stream.on("end", () => resolve(text));
    stream.on("error", reject);
  });

read(process.stdin).then((text) => {
  const said = {};
  for (const [name, definition] of Object.entries(JSON.parse(text))) {
    said[name] = validate(definition).errors.map((error) => JSON.stringify(error));
  }
  console.log(JSON.stringify(said));
});
