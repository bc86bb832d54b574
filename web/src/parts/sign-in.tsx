import { useId, useState, type FormEvent } from 'react';
import { isRefusal } from '../api/refusal.ts';
import { signIn, signUp } from '../api/session.ts';
import { useLanguage } from '../language.tsx';
import type { Messages } from '../messages/index.ts';
import { Action } from './action.tsx';
import { Dialog } from './dialog.tsx';
import { Failure } from './notice.tsx';

type Way = 'in' | 'up';
type FieldName = 'name' | 'email' | 'password';
type Slips = Partial<Record<FieldName, string>>;

const passwordLengthMin = 8;

/** Signing in where the fan is: nothing behind it is left or lost. */
export function SignInDialog({ onClose }: { readonly onClose: () => void }) {
  const { t } = useLanguage();
  return (
    <Dialog title={t.account.title} onClose={onClose} className="dialog-narrow">
      <p className="soft">{t.account.kept}</p>
      <SignInForm onDone={onClose} />
    </Dialog>
  );
}

export function SignInForm({ onDone }: { readonly onDone: () => void }) {
  const { t } = useLanguage();
  const [way, setWay] = useState<Way>('in');
  const [isWorking, setWorking] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [slips, setSlips] = useState<Slips>({});

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (isWorking) return;
    const form = event.currentTarget;
    const { name, email, password } = readForm(new FormData(form));
    const found = slipsOf(way, { name, email, password }, t);
    setSlips(found);
    setError(null);
    const [first] = Object.keys(found);
    if (first !== undefined) {
      form.querySelector<HTMLInputElement>(`[name=${first}]`)?.focus();
      return;
    }
    setWorking(true);
    try {
      await (way === 'up' ? signUp(name, email, password) : signIn(email, password));
      onDone();
    } catch (failure) {
      setError(failure);
      // The password stays as it is: most often only the way was wrong.
      if (isRefusal(failure, 'email_taken')) setWay('in');
    } finally {
      setWorking(false);
    }
  };

  return (
    <form className="form" onSubmit={(event) => void submit(event)} noValidate>
      <Choice way={way} onChoose={setWay} />
      {error !== null && <Failure error={error} />}
      {way === 'up' && <Field name="name" label={t.account.name} autoComplete="name" slip={slips.name} />}
      <Field name="email" type="email" label={t.account.email} autoComplete="username" slip={slips.email} />
      <Field
        name="password"
        type="password"
        label={t.account.password}
        hint={way === 'up' ? t.account.passwordHint : undefined}
        autoComplete={way === 'up' ? 'new-password' : 'current-password'}
        slip={slips.password}
      />
      <Action type="submit" busy={isWorking && t.account.working}>
        {way === 'up' ? t.account.submitUp : t.account.submitIn}
      </Action>
    </form>
  );
}

function Choice({ way, onChoose }: { readonly way: Way; readonly onChoose: (way: Way) => void }) {
  const { t } = useLanguage();
  const options = [
    ['in', t.account.signIn],
    ['up', t.account.signUp],
  ] as const;
  return (
    <fieldset className="segments">
      <legend className="hidden">{t.account.title}</legend>
      {options.map(([value, text]) => (
        <label key={value} className="segment">
          <input
            type="radio"
            name="way"
            value={value}
            checked={way === value}
            onChange={() => onChoose(value)}
          />
          <span>{text}</span>
        </label>
      ))}
    </fieldset>
  );
}

type FieldProps = {
  readonly name: FieldName;
  readonly label: string;
  readonly type?: 'text' | 'email' | 'password';
  readonly autoComplete: string;
  readonly hint?: string | undefined;
  readonly slip?: string | undefined;
};

function Field({ name, label, type = 'text', autoComplete, hint, slip }: FieldProps) {
  const id = useId();
  const below = slip ?? hint;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        name={name}
        type={type}
        autoComplete={autoComplete}
        autoCapitalize="none"
        spellCheck={false}
        maxLength={name === 'email' ? 254 : 100}
        aria-invalid={slip !== undefined}
        aria-describedby={below === undefined ? undefined : `${id}-below`}
        required
      />
      {below !== undefined && (
        <p id={`${id}-below`} className={slip === undefined ? 'soft' : 'slip'}>
          {below}
        </p>
      )}
    </div>
  );
}

function readForm(data: FormData): Record<FieldName, string> {
  const text = (name: FieldName): string => {
    const value = data.get(name);
    return typeof value === 'string' ? value : '';
  };
  return { name: text('name').trim(), email: text('email').trim(), password: text('password') };
}

function slipsOf(way: Way, { name, email, password }: Record<FieldName, string>, t: Messages): Slips {
  const { needed, notEmail, tooShort } = t.account;
  const isShort = way === 'up' && password.length < passwordLengthMin;
  return {
    ...(way === 'up' && name === '' && { name: needed }),
    ...(!/^\S+@\S+\.\S+$/.test(email) && { email: email === '' ? needed : notEmail }),
    ...((password === '' || isShort) && { password: password === '' ? needed : tooShort }),
  };
}
