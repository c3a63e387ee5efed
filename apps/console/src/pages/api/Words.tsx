/** A description: paragraphs, and code between backticks. The rest of Markdown is left as it was typed. */

export function Words({ text }: { text: string }) {
  return text.split(/\n{2,}/).map((paragraph) => <p key={paragraph}>{withCode(paragraph)}</p>)
}

function withCode(paragraph: string) {
  return paragraph.split(/`([^`]+)`/).map((part, index) =>
    // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a sentence never change places
    index % 2 === 1 ? <code key={index}>{part}</code> : part,
  )
}
