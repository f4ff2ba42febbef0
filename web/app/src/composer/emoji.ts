/** A small list: what people mostly use. Each emoji with its name, which is what it is found and read out by. */
export const emojis: readonly (readonly [emoji: string, name: string])[] = [
  ['👍', 'thumbs up'], ['👎', 'thumbs down'], ['❤️', 'red heart'], ['😂', 'tears of joy'], ['🎉', 'party popper'],
  ['🙏', 'folded hands, thanks'], ['👀', 'eyes'], ['✅', 'check mark, done'], ['🔥', 'fire'], ['💯', 'hundred points'],
  ['😀', 'grinning face'], ['😃', 'big smile'], ['😄', 'smiling eyes'], ['😁', 'beaming face'], ['😅', 'sweat smile'],
  ['🤣', 'rolling on the floor laughing'], ['🙂', 'slight smile'], ['🙃', 'upside-down face'], ['😉', 'winking face'],
  ['😊', 'blushing face'], ['😇', 'halo, innocent'], ['🥰', 'face with hearts'], ['😍', 'heart eyes'], ['🤩', 'star-struck'],
  ['😘', 'blowing a kiss'], ['😋', 'savouring food'], ['😜', 'winking with tongue'], ['🤪', 'zany face'], ['🤗', 'hugging face'],
  ['🤔', 'thinking face'], ['🤨', 'raised eyebrow'], ['😐', 'neutral face'], ['😑', 'expressionless face'], ['🙄', 'rolling eyes'],
  ['😏', 'smirking face'], ['😬', 'grimacing face'], ['😌', 'relieved face'], ['😴', 'sleeping face'], ['🤒', 'ill, thermometer'],
  ['🤯', 'exploding head'], ['🥳', 'partying face'], ['😎', 'sunglasses, cool'], ['🤓', 'nerd face'], ['😕', 'confused face'],
  ['😟', 'worried face'], ['😮', 'surprised, open mouth'], ['😳', 'flushed face'], ['🥺', 'pleading face'], ['😢', 'crying face'],
  ['😭', 'loudly crying face'], ['😱', 'screaming in fear'], ['😞', 'disappointed face'], ['😩', 'weary face'], ['😤', 'huffing face'],
  ['😡', 'angry face'], ['💀', 'skull'], ['👻', 'ghost'], ['🤖', 'robot'], ['🎃', 'pumpkin'], ['👋', 'waving hand'],
  ['✋', 'raised hand'], ['👌', 'OK hand'], ['🤞', 'crossed fingers'], ['✌️', 'victory hand'], ['🤘', 'horns, rock'],
  ['👈', 'pointing left'], ['👉', 'pointing right'], ['👆', 'pointing up'], ['👇', 'pointing down'], ['👏', 'clapping hands'],
  ['🙌', 'raising hands'], ['🤝', 'handshake'], ['💪', 'strong arm'], ['🧠', 'brain'], ['🤷', 'shrug'], ['🤦', 'facepalm'],
  ['🧡', 'orange heart'], ['💛', 'yellow heart'], ['💚', 'green heart'], ['💙', 'blue heart'], ['💜', 'purple heart'],
  ['🖤', 'black heart'], ['💔', 'broken heart'], ['✨', 'sparkles'], ['⭐', 'star'], ['🌟', 'glowing star'], ['⚡', 'lightning, fast'],
  ['☀️', 'sun'], ['🌈', 'rainbow'], ['❄️', 'snowflake'], ['🌱', 'seedling'], ['🌳', 'tree'], ['🌹', 'rose'], ['🐶', 'dog'],
  ['🐱', 'cat'], ['🦊', 'fox'], ['🐻', 'bear'], ['🐼', 'panda'], ['🐧', 'penguin'], ['🐢', 'turtle'], ['🐍', 'snake'],
  ['🐙', 'octopus'], ['🦄', 'unicorn'], ['🐝', 'bee'], ['🐛', 'bug'], ['🍎', 'apple'], ['🍕', 'pizza'], ['🍔', 'hamburger'],
  ['🍰', 'cake'], ['🍪', 'cookie'], ['☕', 'coffee'], ['🍵', 'tea'], ['🍺', 'beer'], ['🍷', 'wine'], ['⚽', 'football'],
  ['🎵', 'music'], ['🎮', 'video game'], ['🎁', 'gift'], ['🏆', 'trophy'], ['🚀', 'rocket'], ['✈️', 'aeroplane'], ['🚲', 'bicycle'],
  ['🏠', 'house'], ['💡', 'light bulb, idea'], ['💻', 'laptop'], ['📱', 'phone'], ['📎', 'paper clip'], ['📌', 'pin'],
  ['📝', 'memo, note'], ['📈', 'chart rising'], ['📉', 'chart falling'], ['📅', 'calendar'], ['⏰', 'alarm clock'], ['🔒', 'locked'],
  ['🔑', 'key'], ['🔧', 'wrench'], ['🧪', 'test tube'], ['🚧', 'construction'], ['🚨', 'siren, alarm'], ['⚠️', 'warning'],
  ['❌', 'cross mark'], ['❓', 'question mark'], ['❗', 'exclamation mark'], ['➕', 'plus'], ['🔁', 'repeat'], ['🆗', 'OK button'],
];

/** One, two or three emoji and nothing else are shown large. */
export function isOnlyEmoji(text: string): boolean {
  return /^(?:\p{Extended_Pictographic}(?:\p{Emoji_Modifier}|\uFE0F|\u200D\p{Extended_Pictographic})*\s*){1,3}$/u.test(text);
}
